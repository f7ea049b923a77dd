import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { configSection, memoizedSchema, unionVariant } from '../../../src/model/schema/lazy-schema.ts'

/** A union of circles and squares, and the names of the variants built so far. */
function createShapes(variant = unionVariant) {
  const built: string[] = []
  const shape = <Type extends string>(type: Type) =>
    variant(type, () => {
      built.push(type)
      return z.strictObject({ type: z.literal(type), size: z.number() })
    })
  return { built, Shape: z.discriminatedUnion('type', [shape('circle'), shape('square')]) }
}

describe('a union variant', () => {
  it('is built once, when a value of its type is parsed', () => {
    const { built, Shape } = createShapes()
    assert.deepEqual(built, [])

    for (const size of [1, 2]) assert.deepEqual(Shape.parse({ type: 'square', size }), { type: 'square', size })

    assert.deepEqual(built, ['square'])
  })

  it('rejects what its schema rejects; an unknown type builds none', () => {
    const { built, Shape } = createShapes()

    assert.equal(Shape.safeParse({ type: 'triangle', size: 3 }).success, false)
    assert.deepEqual(built, [])
    assert.equal(Shape.safeParse({ type: 'circle', size: 'large' }).success, false)
  })

  it('appears in the JSON Schema like a schema built at once', () => {
    const { oneOf = [] } = z.toJSONSchema(createShapes().Shape, { io: 'input' })

    assert.deepEqual(
      oneOf.map((variant) => typeof variant === 'object' && variant.required),
      [
        ['type', 'size'],
        ['type', 'size'],
      ],
    )
  })

  it('is needed: zod builds every variant of a union of plain lazy schemas', () => {
    const { built, Shape } = createShapes((_, build) => z.lazy(build))

    Shape.parse({ type: 'square', size: 1 })

    assert.deepEqual(new Set(built), new Set(['circle', 'square']))
  })
})

describe('a memoized schema', () => {
  it('is built once, however often it is unwrapped', () => {
    let builds = 0
    const schema = memoizedSchema(() => {
      builds += 1
      return z.object({ name: z.string() })
    })

    assert.equal(schema.unwrap(), schema.unwrap())
    schema.parse({ name: 'weather' })
    assert.equal(builds, 1)
  })
})

describe('a config section', () => {
  it('is built only where the config has the section', () => {
    let builds = 0
    const Limits = z.object({
      limits: configSection({ rate: 5 }, () => {
        builds += 1
        return z.object({ rate: z.number() })
      }),
    })

    assert.deepEqual(Limits.parse({}), { limits: { rate: 5 } })
    assert.equal(builds, 0)
    assert.deepEqual(Limits.parse({ limits: { rate: 7 } }), { limits: { rate: 7 } })
    assert.equal(builds, 1)
  })
})
