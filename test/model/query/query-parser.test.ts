import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { canonicalQuery, unfilteredQuery, ServerQuery } from '../../../src/model/query/query.ts'

const parse = (text: string, options = {}) => {
  const parsed = parseQuery(new URLSearchParams(text), options)
  assert.ok('query' in parsed, JSON.stringify(parsed))
  return parsed.query
}
const problemOf = (text: string) => {
  const parsed = parseQuery(new URLSearchParams(text))
  assert.ok('problem' in parsed)
  return parsed.problem
}

describe('the parser of a query', () => {
  it('gives equal queries for every order and spelling of the parameters', () => {
    const one = parse('tag=a&tag=b&status=healthy,offline&label_selector=x%3Da,y&enabled=True&limit=5&fields=id,name')
    const other = parse(
      'fields=name&fields=id&limit=5&enabled=1&label_selector=y,+x+in+(a)&status=expired&status=healthy&tag=b&tag=a&tag=a&q=',
    )

    assert.equal(canonicalQuery(one), canonicalQuery(other))
  })

  it('gives the unfiltered query without parameters', () => {
    assert.deepEqual(ServerQuery.parse({}), unfilteredQuery)
    assert.deepEqual(parse(''), unfilteredQuery)
    assert.deepEqual(parse('namespace=&tag=&status=&fuzzy_match=&limit='), unfilteredQuery)
    assert.equal(canonicalQuery(parse('fuzzy_match=false')), canonicalQuery(unfilteredQuery))
    assert.notEqual(canonicalQuery(parse('enabled=false')), canonicalQuery(unfilteredQuery))
  })

  it('rejects unknown parameters, or ignores them where old clients need that', () => {
    assert.equal(problemOf('colour=red').parameter, 'colour')
    assert.equal(problemOf('__proto__=1').parameter, '__proto__')
    assert.deepEqual(parse('colour=red&__proto__=1&constructor=2', { unknown: 'ignore' }), unfilteredQuery)
    assert.deepEqual(parse('wait=3s', { otherParameters: ['wait'] }), unfilteredQuery)
  })

  for (const [text, parameter] of [
    ['limit=0', 'limit'],
    ['limit=10001', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=0x10', 'limit'],
    ['limit=%2010', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=5&limit=5', 'limit'],
    ['enabled=maybe', 'enabled'],
    ['type=pigeon', 'type'],
    ['namespace=Team', 'namespace'],
    ['capability_stability=solid', 'capability_stability'],
    [`name=${'x'.repeat(300)}`, 'name'],
    ['tag=a&'.repeat(300), 'tag'],
    [Array.from({ length: 70 }, (_, index) => `tag=t${index}`).join('&'), 'tag'],
  ] as const) {
    it(`rejects ${text.slice(0, 40)}, and names ${parameter}`, () => {
      const problem = problemOf(text)

      assert.equal(problem.parameter, parameter)
      assert.ok(problem.detail.length < 300)
    })
  }

  it('uses the messages of the config', () => {
    const { detail } = problemOf('type=pigeon')

    assert.equal(detail, 'type: must be one of stdio, http, sse')
  })
})
