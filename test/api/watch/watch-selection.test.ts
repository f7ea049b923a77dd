import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serverSelection, transition } from '../../../src/api/watch/watch-selection.ts'
import type { Change } from '../../../src/model/change.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { createTestRegistry } from '../../test-registry.ts'

/** The change from one set of tags to another; undefined where the server does not exist. */
function changeOf(before: string[] | undefined, now: string[] | undefined): Change {
  const { put, drop, registry } = createTestRegistry()
  if (before) put({ name: 'a', tags: before })
  let last: Change | undefined
  registry.subscribe(({ changes }) => ([last] = changes))
  if (now) put({ name: 'a', tags: now })
  else drop('a')
  return last ?? assert.fail('no change')
}

describe('the event of a change for a filter', () => {
  for (const [name, before, now, expected] of [
    ['a server that appears and matches', undefined, ['x'], 'ADDED'],
    ['a server that begins to match', ['y'], ['x'], 'ADDED'],
    ['a server that still matches', ['x'], ['x', 'y'], 'MODIFIED'],
    ['a server that ceases to match', ['x'], ['y'], 'DELETED'],
    ['a server that matched and disappears', ['x'], undefined, 'DELETED'],
    ['a server that never matches', undefined, ['y'], undefined],
    ['a server that disappears unmatched', ['y'], undefined, undefined],
  ] as const) {
    it(`is ${expected ?? 'none'} for ${name}`, () => {
      const change = changeOf(before && [...before], now && [...now])

      const event = transition(change, ({ tags }) => tags.includes('x'))

      assert.equal(event?.type, expected)
      if (expected === 'DELETED') assert.equal(event?.registered, change.before)
      else assert.equal(event?.registered, expected && change.now)
    })
  }
})

describe('a selection of servers', () => {
  const selectionOf = (query: string) => {
    const { registry, put } = createTestRegistry()
    put({ name: 'b', tags: ['x'] }, { name: 'a', tags: ['x'] }, { name: 'c' })
    const parsed = parseQuery(new URLSearchParams(query))
    assert.ok('query' in parsed)
    return serverSelection(parsed.query, registry.select)
  }

  it('shows every match, sorted by name, whatever the page and the order of the query', () => {
    const names = selectionOf('tag=x&limit=1&sort=-name')
      .snapshot()
      .map((json) => (JSON.parse(json().toString()) as { name: string }).name)

    assert.deepEqual(names, ['a', 'b'])
  })

  it('has one key for filters that mean the same', () => {
    assert.equal(selectionOf('tag=x&tag=y&status=').key, selectionOf('tag=y&tag=x&limit=5').key)
    assert.notEqual(selectionOf('tag=x').key, selectionOf('tag=y').key)
    assert.equal(selectionOf('fields=name,id').key, selectionOf('fields=id&fields=name').key)
    assert.notEqual(selectionOf('fields=name').key, selectionOf('fields=id').key)
    assert.notEqual(selectionOf('fields=name').key, selectionOf('').key)
  })
})
