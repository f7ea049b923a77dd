import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { kindOf, sourceKinds, SourceConfig } from '../../src/sources/catalogue.ts'

describe('the catalogue of sources', () => {
  it('calls a source by its type unless it has a name', () => {
    assert.equal(SourceConfig.parse({ type: 'env' }).name, 'env')
    assert.equal(SourceConfig.parse({ type: 'env', name: 'team' }).name, 'team')
  })

  it('turns away what it does not know, naming it', () => {
    const unknownType = SourceConfig.safeParse({ type: 'carrier-pigeon' })
    const unknownField = SourceConfig.safeParse({ type: 'env', varable: 'X' })
    assert.match(z.prettifyError(unknownType.error!), /type/)
    assert.match(z.prettifyError(unknownField.error!), /varable/)
  })

  it('finds the kind of every config', () => {
    for (const kind of sourceKinds) {
      const { type } = kind.config.unwrap().shape
      assert.equal(kindOf({ type: type.value }), kind)
    }
  })

  it('tells people what each field does', () => {
    const { oneOf = [] } = z.toJSONSchema(SourceConfig, { io: 'input' })
    assert.equal(oneOf.length, sourceKinds.length)
    for (const schema of oneOf) {
      assert.ok(typeof schema === 'object' && schema.additionalProperties === false)
      for (const [field, described] of Object.entries(schema.properties ?? {})) {
        assert.ok(typeof described === 'object')
        // A group of fields is explained by its fields.
        if (field !== 'type' && !described.properties) assert.ok(described.description, `${field} lacks a description`)
      }
    }
  })
})
