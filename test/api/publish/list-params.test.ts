import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../../../src/api/http/problem.ts'
import { encodePageCursor, parsePageRequest } from '../../../src/api/publish/list-params.ts'

const parse = (query: string) => parsePageRequest(new URLSearchParams(query))

describe('the parameters of the list of published servers', () => {
  it('default to 30 servers from the first, without deleted ones', () => {
    assert.deepEqual(parse(''), {
      filter: { search: undefined, since: undefined, version: undefined, includeDeleted: false },
      position: { among: 'published', after: undefined },
      limit: 30,
    })
  })

  it('are restored from a cursor, and override it where they are given', () => {
    const filter = { search: 'geo', since: '2026-01-31T12:00:00.000Z', version: 'latest', includeDeleted: true }
    const position = { among: 'deleted', after: 'default/weather' } as const
    const cursor = encodePageCursor(filter, position)

    assert.deepEqual(parse(`cursor=${cursor}`), { filter, position, limit: 30 })
    assert.deepEqual(parse(`cursor=${cursor}&search=MAPS&limit=7`), {
      filter: { ...filter, search: 'maps' },
      position,
      limit: 7,
    })
  })

  it('include deleted servers where the client asks for changes since a time', () => {
    assert.equal(parse('updated_since=2026-01-31T12:00:00Z').filter.includeDeleted, true)
  })

  it('reduce a limit above 100 to 100', () => {
    assert.equal(parse('limit=1000').limit, 100)
  })

  it('ignore unknown ones, which newer clients may send', () => {
    assert.deepEqual(parse('color=red&color=blue&limit=5'), parse('limit=5'))
  })

  it('name the invalid parameter in the problem', () => {
    for (const query of ['limit=0', 'cursor=W10', 'updated_since=yesterday', 'include_deleted=2', 'limit=1&limit=2'])
      assert.throws(
        () => parse(query),
        (error) => error instanceof Problem && error.more['parameter'] === query.replace(/=.*/s, ''),
      )
  })
})
