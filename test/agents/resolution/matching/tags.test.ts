import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scoreTags, type TagRequest } from '../../../../src/agents/resolution/matching/tags.ts'

const missing = (...tags: readonly string[]) => ({ reason: 'MissingTag', details: { missing: tags } })
const missingOneOf = (...tags: readonly string[]) => ({ reason: 'MissingTag', details: { missing_one_of: tags } })
const disallowed = (tag: string) => ({ reason: 'ExtraTagDisallowed', details: { disallowed: [tag] } })

const cases: readonly (readonly [tags: readonly string[], request: TagRequest, result: unknown])[] = [
  [['a'], [], 0],
  [['a', 'b'], ['a', 'b'], 10],
  [['a'], ['a', 'b', 'c'], missing('b', 'c')],
  [['A'], ['a'], missing('a')],
  [['a'], ['+a', '+b'], 10],
  [['a'], ['a', '+a'], 15],
  [['a'], ['-b'], 0],
  [['a', 'b'], ['a', '-b'], disallowed('b')],
  [['b'], ['a', '-b'], disallowed('b')],
  [['a'], ['', '+', '-'], 0],
  [['b'], [['a', 'b']], 5],
  [['a', 'b'], [['a', '+b']], 10],
  [['a', 'b'], [['+b', 'a']], 10],
  [
    ['a', 'b'],
    [
      ['a', 'b'],
      ['b', 'c'],
    ],
    10,
  ],
  [['c'], [['a', 'b']], missingOneOf('a', 'b')],
  [['c'], [['+a']], missingOneOf('+a')],
  [['c'], [['-a']], missingOneOf('-a')],
  [['a', 'b'], [['b', '-a']], disallowed('a')],
  [['a'], [[]], 0],
  [['a|b'], ['a|b'], 5],
  [['a'], ['a|b'], missing('a|b')],
]

describe('tags', () => {
  it('are scored as the original registry scores them', () => {
    for (const [tags, request, result] of cases)
      assert.deepEqual(scoreTags(tags, request), result, JSON.stringify([tags, request]))
  })
})
