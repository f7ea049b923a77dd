import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configSchema, type JsonSchema } from '../../../src/config/reference/json-schema.ts'
import { renamedKeys } from '../../../src/config/renamed-keys.ts'

/** The schemas at a path such as `auth.tokens[].max_agents`; several where a section has variants. */
function schemasAt(path: string): readonly JsonSchema[] {
  const variants = (schema: JsonSchema) => (schema.oneOf as readonly JsonSchema[] | undefined) ?? [schema]
  const steps = path.replaceAll('[]', '.[]').split('.')
  let schemas: readonly JsonSchema[] = [configSchema()]
  for (const step of steps) {
    schemas = schemas.flatMap(variants).flatMap((schema): JsonSchema[] => {
      const inner = (step === '[]' ? schema.items : schema.properties?.[step]) as JsonSchema | undefined
      return inner ? [inner] : []
    })
  }
  return schemas
}

describe('the JSON Schema of the config', () => {
  it('has the defaults of durations', () => {
    assert.equal(schemasAt('health.interval')[0]?.default, 30)
  })

  it('accepts every former key where the current one is, as deprecated', () => {
    for (const [former, current] of Object.entries(renamedKeys)) {
      const currentSchemas = schemasAt(current)
      const formerSchemas = schemasAt(former)
      assert.ok(currentSchemas.length > 0, current)
      assert.equal(formerSchemas.length, currentSchemas.length, former)
      assert.ok(
        formerSchemas.every(({ deprecated }) => deprecated === true),
        former,
      )
      assert.ok(
        currentSchemas.every(({ deprecated }) => deprecated === undefined),
        current,
      )
    }
  })
})
