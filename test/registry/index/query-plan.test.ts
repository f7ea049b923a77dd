import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ServerQuery, unfilteredQuery } from '../../../src/model/query/query.ts'
import { parseSelector } from '../../../src/model/query/selector.ts'
import type { IndexField } from '../../../src/registry/index/indexed-fields.ts'
import { planQuery } from '../../../src/registry/index/query-plan.ts'

/** Postings by field and value; each posting is a single slot, so that a plan is readable. */
const postings: Partial<Record<IndexField, Readonly<Record<string, number>>>> = {
  namespace: { default: 1, team: 2 },
  source: { file: 3 },
  status: { healthy: 4, offline: 5 },
  tag: { geo: 6, free: 7 },
  label: { env: 8 },
  label_value: { 'env=prod': 9, 'env=test': 10 },
  capability: { forecast: 11, Forecast: 12 },
  capability_facets: { '["stable","1.0.0",["x"],"sky"]': 13, '["beta","2.0.0",[]]': 14 },
}
const lookup = {
  posting: (field: IndexField, value: string) => postings[field]?.[value],
  values: (field: IndexField) => Object.keys(postings[field] ?? {}),
  slotOf: (namespace: string, name: string) => (`${namespace}/${name}` === 'team/weather' ? 20 : undefined),
}

describe('the plan of a query', () => {
  for (const [title, query, required, excluded] of [
    ['has no terms for an unfiltered query', {}, [], []],
    ['looks up single values', { namespace: ['team'], source: ['file'] }, [[2], [3]], []],
    ['has an empty term for an unknown value', { source: ['nowhere'] }, [[]], []],
    ['looks for a name in every namespace', { name: 'weather' }, [[20]], []],
    ['looks for a name in one namespace', { namespace: ['default'], name: 'weather' }, [[1], []], []],
    [
      'unites sources and capabilities',
      { source: ['file', 'nowhere'], capability: ['Forecast', 'forecast'] },
      [[3], [12, 11]],
      [],
    ],
    ['looks for a name in some namespaces', { namespace: ['default', 'team'], name: 'weather' }, [[1, 2], [20]], []],
    ['unites statuses', { status: ['healthy', 'offline'] }, [[4, 5]], []],
    ['requires every tag', { tag: ['free', 'geo'] }, [[7], [6]], []],
    ['unites alternative tags', { any_tag: ['free', 'geo'] }, [[7, 6]], []],
    ['unites the values of a label', { label_selector: parseSelector('env in (prod,test)') }, [[9, 10]], []],
    ['excludes labels', { label_selector: parseSelector('!env,env!=prod') }, [], [8, 9]],
    ['looks up an exact capability', { capability: ['forecast'] }, [[11]], []],
    ['tests every name for a fuzzy capability', { capability: ['forecast'], fuzzy_match: true }, [[11, 12]], []],
    ['ignores the capability *', { capability: ['*'] }, [], []],
    ['tests every combination of facets', { capability_stability: 'beta' }, [[14]], []],
  ] as const satisfies readonly (readonly [string, Partial<ServerQuery>, number[][], number[]])[]) {
    it(title, () => {
      const plan = planQuery({ ...unfilteredQuery, ...query }, lookup)

      assert.deepEqual(plan.required, required)
      assert.deepEqual(plan.excluded, excluded)
      assert.equal(plan.verify, undefined)
    })
  }

  it('verifies that name and facets hold for the same capability', () => {
    const query = { ...unfilteredQuery, capability: ['forecast'], capability_stability: 'beta' as const }

    assert.ok(planQuery(query, lookup).verify)
  })
})
