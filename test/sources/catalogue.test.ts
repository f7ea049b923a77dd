import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { kindOf, sourceKinds, SourceConfig } from '../../src/sources/catalogue.ts'
import { storedSettings } from '../../src/sources/source-kind.ts'

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

  it('keeps stored readings valid over added settings at their defaults, and over no other', () => {
    for (const kind of sourceKinds) {
      const { shape } = kind.config.unwrap()
      const defaults: Readonly<Record<string, unknown>> = kind.addedSettings ?? {}
      for (const [name, value] of Object.entries(defaults))
        assert.equal(shape[name as 'type']?.safeParse(undefined).data, value, `${kind.type}.${name}`)
    }
    const stored = (settings: object) =>
      storedSettings({ addedSettings: { limit: 5 } }, settings as Record<string, unknown>)
    assert.deepEqual(stored({ type: 'x', limit: 5 }), { type: 'x' })
    assert.deepEqual(stored({ type: 'x', limit: 6 }), { type: 'x', limit: 6 })
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
