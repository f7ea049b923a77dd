import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Change, RegisteredServer } from '../../../src/model/change.ts'
import { matching } from '../../../src/model/query/matching.ts'
import { ServerQuery } from '../../../src/model/query/query.ts'
import { nearMatch, relevanceTo, searchTextOf, wordsOf } from '../../../src/model/query/search.ts'
import type { Server } from '../../../src/model/server.ts'
import { createServerIndex } from '../../../src/registry/index/server-index.ts'
import { registered } from '../../builders.ts'
import { createRandom } from '../../random.ts'

type Random = ReturnType<typeof createRandom>

const idsOf = (page: readonly RegisteredServer[]) => page.map(({ server }) => server.id)

/** A random server of this name. */
function randomServer({ pick, some, chance, below }: Random, name: string): RegisteredServer {
  const label = () => [pick(['env', 'tier', 'region', 'constructor']), pick(['prod', 'test', 'eu', ''])] as const
  return registered({
    name,
    namespace: pick(['default', 'team', 'lab']),
    source: pick(['file', 'http', 'agents']),
    status: pick(['pending', 'healthy', 'healthy', 'healthy', 'degraded', 'offline']),
    enabled: chance(0.9),
    title: chance(0.3) ? pick(['Weather Station', 'Fine Geo', 'process data']) : undefined,
    description: chance(0.5) ? pick(['Knows the Weather', 'maps and routes', 'nothing']) : undefined,
    tags: some(['geo', 'free', 'beta', 'Weather', 'data']),
    labels: Object.fromEntries(Array.from({ length: below(4) }, label)),
    capabilities: Array.from({ length: below(3) }, () => ({
      name: pick(['forecast', 'forecasts', 'route', 'process_data', 'Translate']),
      version: pick(['1.0.0', '1.2.0', '2.0.0-beta', '0.3.1']),
      category: pick(['data', 'geo', undefined]),
      kind: pick(['tool', 'prompt', 'declared']),
      ...(chance(0.3) && { function_name: pick(['run', 'forecast', 'none']) }),
      stability: pick(['stable', 'beta', 'deprecated']),
      tags: some(['async', 'cheap']),
    })),
    created_at: `2026-01-0${1 + below(9)}T00:00:00.000Z`,
  } as Partial<Server>)
}

function randomQuery({ pick, some, chance }: Random): ServerQuery {
  const given: Record<string, unknown> = {}
  const may = (key: keyof ServerQuery, values: readonly unknown[], often = 0.15) => {
    if (chance(often)) given[key] = pick(values)
  }
  may('namespace', ['default', 'team', 'nowhere', 'default,lab'])
  may('name', ['s1', 's2', 's30', 's4'], 0.05)
  may('source', ['file', 'http', ['file', 'agents']])
  may('type', ['http', 'stdio'], 0.05)
  may('enabled', [true, false])
  may('status', ['healthy', 'healthy,pending', 'expired', ['degraded', 'unknown']])
  if (chance(0.3)) given['tag'] = some(['geo', 'free', 'data'])
  may('any_tag', ['beta,Weather', 'none'])
  may('label_selector', [
    'env',
    '!env',
    'env=prod',
    'env!=prod',
    'tier in (eu,test),region',
    'constructor',
    'env=',
    '!a',
  ])
  may('capability', ['forecast', 'process', '*', 'translate'])
  may('tool', ['forecast', 'process', 'none', ['run', 'route']])
  may('prompt', ['forecast', 'process'])
  may('extension', ['forecast'])
  may('capability_category', ['data', 'geo'])
  may('capability_stability', ['stable', 'beta'])
  may('capability_tags', ['async', 'async,cheap'])
  may('version_constraint', ['^1.0.0', '>=2.0.0', '<1', '2.0.0-beta'])
  may('q', ['weather', 'geo fine', 's1', 'forcast', 'process data', 'nothing'])
  may('fuzzy_match', [true])
  may('sort', ['name', '-name', 'status', '-status', 'created_at', '-created_at', 'source'], 0.4)
  return ServerQuery.parse(given)
}

/** The expected result of a query, by testing every server. */
function expected(all: ReadonlyMap<string, RegisteredServer>, query: ServerQuery): string[] {
  const found = [...all.values()].filter(({ server }) => matching(query)(server))
  const sort = query.sort ?? (query.q === undefined ? 'name' : '-relevance')
  const descending = sort.startsWith('-')
  const by = descending ? sort.slice(1) : sort
  const keyOf = ({ server }: RegisteredServer) => {
    if (by === 'name') return server.id
    return by === 'relevance'
      ? relevanceTo(wordsOf(query.q ?? ''), query.fuzzy_match ? nearMatch : undefined)(searchTextOf(server))
      : server[by as 'status' | 'created_at']
  }
  const compare = (one: RegisteredServer, other: RegisteredServer) => {
    const [key, otherKey] = [keyOf(one), keyOf(other)]
    if (key !== otherKey) return key < otherKey === descending ? 1 : -1
    return one.server.id < other.server.id ? -1 : 1
  }
  return idsOf(found.toSorted(compare))
}

type TestIndex = ReturnType<typeof createServerIndex<RegisteredServer>>

function apply(index: TestIndex, changes: readonly Change[]): void {
  for (const { now, before } of changes) index.put(index.slotFor((now ?? before).server.id), now)
}

/** Some of the servers that a batch adds, and some that are never put. */
function expectedOf(
  random: Random,
  changes: readonly Change[],
  all: ReadonlyMap<string, RegisteredServer>,
): RegisteredServer[] {
  const added = changes.flatMap(({ type, now }) => (type === 'ADDED' ? now : []))
  const others = Array.from({ length: random.below(100) }, () => randomServer(random, `s${random.below(800)}`))
  return [...added, ...others.filter(({ server }) => !all.has(server.id))].filter(() => random.chance(0.7))
}

function randomChanges(random: Random, all: Map<string, RegisteredServer>, count: number): Change[] {
  const changes = new Map<string, Change>()
  while (changes.size < count) {
    const made = randomServer(random, `s${random.below(400)}`)
    const before = all.get(made.server.id)
    if (changes.has(made.server.id)) continue
    const now = before && random.chance(0.4) ? undefined : made
    if (now && before) changes.set(made.server.id, { type: 'MODIFIED', now, before })
    else if (now) changes.set(made.server.id, { type: 'ADDED', now })
    else if (before) changes.set(made.server.id, { type: 'DELETED', before })
    if (now) all.set(made.server.id, now)
    else all.delete(made.server.id)
  }
  return [...changes.values()]
}

describe('server index', () => {
  it('finds what a test of every server finds, after any change, caught up or not', async () => {
    const random = createRandom()
    const index = createServerIndex<RegisteredServer>()
    const all = new Map<string, RegisteredServer>()

    for (let round = 0; round < 60; round += 1) {
      const before = new Map(all)
      const changes = randomChanges(random, all, random.pick([1, 3, 40, 300]))
      const ahead = random.chance(0.5) ? expectedOf(random, changes, before) : []
      for (const _ of index.expect(ahead)) if (random.chance(0.01)) check(index, before, random)
      check(index, before, random)
      apply(index, changes)
      if (random.chance(0.5)) index.release(idsOf(ahead))
      if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve))
      check(index, all, random)
    }
  })

  function check(index: TestIndex, all: ReadonlyMap<string, RegisteredServer>, random: Random): void {
    for (let queries = 0; queries < 20; queries += 1) {
      const query = randomQuery(random)
      const { total, page } = index.select(query)
      assert.deepEqual(idsOf(page), expected(all, query), `${JSON.stringify(query)}, ${random.label}`)
      assert.equal(total, page.length)
    }
    assert.deepEqual(idsOf(index.list()), [...all.keys()].toSorted(), random.label)
    assert.equal(index.size(), all.size)
    const tagged = [...all.values()].filter(({ server }) => server.tags.includes('geo')).length
    assert.equal(index.counts('tag').get('geo') ?? 0, tagged, random.label)
  }

  it('pages through a list without duplicates and without gaps', () => {
    const random = createRandom()
    const index = createServerIndex<RegisteredServer>()
    const all = new Map<string, RegisteredServer>()
    apply(index, randomChanges(random, all, 300))

    for (let round = 0; round < 100; round += 1) {
      const query = randomQuery(random)
      const seen: string[] = []
      let next: string | undefined
      do {
        const selection = index.select({ ...query, limit: 1 + random.below(50), continue: next })
        seen.push(...idsOf(selection.page))
        next = selection.next
        assert.equal(selection.total, expected(all, query).length)
      } while (next !== undefined)
      assert.deepEqual(seen, expected(all, query), `${JSON.stringify(query)}, ${random.label}`)
    }
  })

  it('shows every server that exists throughout while others change between the pages', () => {
    const index = createServerIndex<RegisteredServer>()
    const made = (name: string) => registered({ name })
    const steady = ['b', 'd', 'f', 'h', 'j'].map(made)
    for (const now of steady) index.put(index.slotFor(now.server.id), now)
    const first = index.select(ServerQuery.parse({ limit: 2 }))

    for (const now of [made('a'), made('e')]) index.put(index.slotFor(now.server.id), now)
    index.put(index.slotFor('default/d'), undefined)
    const second = index.select(ServerQuery.parse({ limit: 10, continue: first.next }))

    assert.deepEqual(
      idsOf([...first.page, ...second.page]).map((id) => id.slice(8)),
      ['b', 'd', 'e', 'f', 'h', 'j'],
    )
  })

  it('returns the same list until something changes', () => {
    const index = createServerIndex<RegisteredServer>()
    index.put(index.slotFor('default/weather'), registered())

    assert.equal(index.list(), index.list())
  })
})
