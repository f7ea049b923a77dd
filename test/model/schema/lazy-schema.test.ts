import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { unionVariant } from '../../../src/model/schema/lazy-schema.ts'

/** A union of circles and squares, and the names of those that were built. */
function shapes() {
  const built: string[] = []
  const form = <Type extends string>(type: Type) =>
    unionVariant(type, () => {
      built.push(type)
      return z.strictObject({ type: z.literal(type), size: z.number() })
    })
  return { built, Shape: z.discriminatedUnion('type', [form('circle'), form('square')]) }
}

describe('a form that is built later', () => {
  it('is built once, when a value of its type is read', () => {
    const { built, Shape } = shapes()
    assert.deepEqual(built, [])

    for (const size of [1, 2]) assert.deepEqual(Shape.parse({ type: 'square', size }), { type: 'square', size })

    assert.deepEqual(built, ['square'])
  })

  it('refuses what its schema refuses, and a type nobody has without building any', () => {
    const { built, Shape } = shapes()

    assert.equal(Shape.safeParse({ type: 'triangle', size: 3 }).success, false)
    assert.deepEqual(built, [])
    assert.equal(Shape.safeParse({ type: 'circle', size: 'large' }).success, false)
  })

  it('stands in the JSON Schema as if it were built at once', () => {
    const { oneOf = [] } = z.toJSONSchema(shapes().Shape, { io: 'input' })

    assert.deepEqual(
      oneOf.map((form) => typeof form === 'object' && form.required),
      [
        ['type', 'size'],
        ['type', 'size'],
      ],
    )
  })
})
