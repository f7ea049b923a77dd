import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { differencesOf } from '../../../../src/agents/resolution/matching/schema-match.ts'
import type { JsonObject } from '../../../../src/model/data/json-object.ts'

const object = (properties: JsonObject, required: readonly unknown[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
})
const text = { type: 'string' }
const number = { type: 'number' }
const integer = { type: 'integer' }

describe('schemas', () => {
  it('fit where the provider has every field that the consumer requires', () => {
    const pairs: readonly (readonly [consumer: JsonObject, provider: JsonObject])[] = [
      [{}, text],
      [text, {}],
      [object({ a: text }), object({ a: text, b: number })],
      [object({ a: text, b: text }, ['a']), object({ a: text })],
      [object({}, ['a']), object({ a: text })],
      [object({ a: number }), object({ a: integer })],
      [{ type: ['string', 'null'] }, { type: ['null', 'string', 'integer'] }],
      [
        { type: 'array', items: object({ a: text }) },
        { type: 'array', items: object({ a: text }) },
      ],
      [object({ a: { enum: ['x'] } }), object({ a: { enum: ['y'] } })],
      [object({ a: true }), object({ a: text })],
      [object({}, [7, null]), object({})],
    ]
    for (const [consumer, provider] of pairs)
      assert.deepEqual(differencesOf(consumer, provider), [], JSON.stringify([consumer, provider]))
  })

  it('differ at each place that the consumer could not read', () => {
    const consumer = object({
      id: integer,
      name: { type: ['string', 'null'] },
      address: object({ city: text, zip: text }),
      tags: { type: 'array', items: text },
    })
    const provider = object({ id: number, name: text, address: object({ city: number }), tags: { type: 'array' } })

    const differences = differencesOf(consumer, provider).toSorted((a, b) => a.path.localeCompare(b.path))

    assert.deepEqual(differences, [
      { path: 'address.city', kind: 'type_mismatch', consumer_type: 'string', producer_type: 'number' },
      { path: 'address.zip', kind: 'missing_field', field: 'zip' },
      { path: 'id', kind: 'type_mismatch', consumer_type: 'integer', producer_type: 'number' },
      { path: 'name', kind: 'type_mismatch', consumer_type: ['string', 'null'], producer_type: 'string' },
      { path: 'tags.[]', kind: 'missing_items_schema' },
    ])
  })

  it('a field called __proto__ is one that the provider has, or has not', () => {
    const consumer = { required: ['__proto__', 'constructor'] }

    assert.deepEqual(
      differencesOf(consumer, { properties: {} }).map(({ path }) => path),
      ['__proto__', 'constructor'],
    )
  })
})
