import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { kindOf, sourceKinds, SourceConfig } from '../../src/sources/catalogue.ts'

describe('the source catalogue', () => {
  it('names a source after its type unless the config names it', () => {
    assert.equal(SourceConfig.parse({ type: 'env' }).name, 'env')
    assert.equal(SourceConfig.parse({ type: 'env', name: 'team' }).name, 'team')
  })

  it('rejects an unknown type and an unknown field by name', () => {
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

  it('describes every config field', () => {
    const { oneOf = [] } = z.toJSONSchema(SourceConfig, { io: 'input' })
    assert.equal(oneOf.length, sourceKinds.length)
    for (const schema of oneOf) {
      assert.ok(typeof schema === 'object' && schema.additionalProperties === false)
      for (const [field, described] of Object.entries(schema.properties ?? {})) {
        assert.ok(typeof described === 'object')
        // The fields of a group have descriptions of their own.
        if (field !== 'type' && !described.properties) assert.ok(described.description, `${field} lacks a description`)
      }
    }
  })
})
