import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { cacheJsonSchema } from '../../src/mcp/cached-json-schema.ts'

describe('cached JSON Schema', () => {
  it('is converted once for each target and direction', () => {
    const { jsonSchema } = cacheJsonSchema(z.object({ a: z.string().default('x') }))['~standard']

    const input = jsonSchema.input({ target: 'draft-2020-12' })

    assert.equal(jsonSchema.input({ target: 'draft-2020-12' }), input)
    assert.notEqual(jsonSchema.input({ target: 'draft-07' }), input)
    assert.notDeepEqual(jsonSchema.output({ target: 'draft-2020-12' }), input)
  })

  it('validates as the schema does', async () => {
    const { validate } = cacheJsonSchema(z.object({ a: z.string() }))['~standard']

    assert.deepEqual(await validate({ a: 'b' }), { value: { a: 'b' } })
    assert.ok((await validate({ a: 1 })).issues)
  })
})
