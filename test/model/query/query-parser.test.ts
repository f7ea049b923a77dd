import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeCursor, parseCursor } from '../../../src/model/query/cursor.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { canonicalQuery, unfilteredQuery, ServerQuery } from '../../../src/model/query/query.ts'

const asked = (text: string, options = {}) => {
  const parsed = parseQuery(new URLSearchParams(text), options)
  assert.ok('query' in parsed, JSON.stringify(parsed))
  return parsed.query
}
const problemOf = (text: string) => {
  const parsed = parseQuery(new URLSearchParams(text))
  assert.ok('problem' in parsed)
  return parsed.problem
}

describe('the parameters of a query', () => {
  it('mean the same in whatever order and spelling they come', () => {
    const one = asked('tag=a&tag=b&status=healthy,offline&label_selector=x%3Da,y&enabled=True&limit=5&fields=id,name')
    const other = asked(
      'fields=name&fields=id&limit=5&enabled=1&label_selector=y,+x+in+(a)&status=expired&status=healthy&tag=b&tag=a&tag=a&q=',
    )

    assert.equal(canonicalQuery(one), canonicalQuery(other))
  })

  it('ask for everything where none is given', () => {
    assert.deepEqual(ServerQuery.parse({}), unfilteredQuery)
    assert.deepEqual(asked(''), unfilteredQuery)
    assert.deepEqual(asked('namespace=&tag=&status=&fuzzy_match=&limit='), unfilteredQuery)
    assert.equal(canonicalQuery(asked('fuzzy_match=false')), canonicalQuery(unfilteredQuery))
    assert.notEqual(canonicalQuery(asked('enabled=false')), canonicalQuery(unfilteredQuery))
  })

  it('are refused where unknown, or ignored where old clients send what they like', () => {
    assert.equal(problemOf('colour=red').parameter, 'colour')
    assert.equal(problemOf('__proto__=1').parameter, '__proto__')
    assert.deepEqual(asked('colour=red&__proto__=1&constructor=2', { unknown: 'ignore' }), unfilteredQuery)
    assert.deepEqual(asked('wait=3s', { otherParameters: ['wait'] }), unfilteredQuery)
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
    it(`are refused, naming ${parameter}: ${text.slice(0, 40)}`, () => {
      const problem = problemOf(text)

      assert.equal(problem.parameter, parameter)
      assert.ok(problem.detail.length < 300)
    })
  }

  it('are refused in the words of the config', () => {
    const { detail } = problemOf('type=pigeon')

    assert.equal(detail, 'type: must be one of stdio, http, sse')
  })

  it('continue only the query that the token was given for', () => {
    const query = asked('tag=a&sort=-status&limit=2')
    const token = encodeCursor(query, { key: 'healthy', id: 'default/x' })

    assert.deepEqual(parseCursor(asked(`sort=-status&tag=a&limit=9&continue=${token}`)), {
      key: 'healthy',
      id: 'default/x',
    })
    assert.equal(problemOf(`tag=b&sort=-status&continue=${token}`).parameter, 'continue')
    assert.equal(problemOf(`tag=a&continue=${token}`).parameter, 'continue')
    for (const bad of ['%00', 'e30', 'W10', 'bnVsbA', 'x'.repeat(5000)])
      assert.equal(problemOf(`continue=${bad}`).parameter, 'continue')
  })
})
