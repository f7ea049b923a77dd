import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeCursor, parseCursor } from '../../../src/model/query/cursor.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'

const parse = (text: string) => {
  const parsed = parseQuery(new URLSearchParams(text))
  assert.ok('query' in parsed, JSON.stringify(parsed))
  return parsed.query
}
const problemOf = (text: string) => {
  const parsed = parseQuery(new URLSearchParams(text))
  assert.ok('problem' in parsed)
  return parsed.problem
}

describe('a page cursor', () => {
  const position = { key: 'healthy', id: 'default/x' }
  const token = encodeCursor(parse('tag=a&sort=-status&limit=2'), position)

  it('continues the query that it was made for, with any limit', () => {
    assert.deepEqual(parseCursor(parse(`sort=-status&tag=a&limit=9&continue=${token}`)), position)
  })

  it('is absent in a query without a continue token', () => {
    assert.equal(parseCursor(parse('tag=a')), undefined)
  })

  it('is rejected for another filter or order', () => {
    assert.equal(problemOf(`tag=b&sort=-status&continue=${token}`).parameter, 'continue')
    assert.equal(problemOf(`tag=a&continue=${token}`).parameter, 'continue')
  })

  for (const text of ['%00', 'e30', 'W10', 'bnVsbA', 'x'.repeat(5000)]) {
    it(`is rejected when malformed: ${text.slice(0, 10)}`, () => {
      assert.equal(problemOf(`continue=${text}`).parameter, 'continue')
    })
  }
})
