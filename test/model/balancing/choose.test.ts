import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Candidate, locationOf, movingAverage } from '../../../src/model/balancing/candidate.ts'
import { chooseProviders, strategies } from '../../../src/model/balancing/choose.ts'
import { createRandom } from '../../random.ts'

const candidate = (id: string, fields: Partial<Candidate> = {}): Candidate => ({ id, status: 'healthy', ...fields })
const idsOf = (choices: readonly { readonly candidate: Candidate }[]) => choices.map(({ candidate: { id } }) => id)
const abc = ['a', 'b', 'c'].map((id) => candidate(id))

/** How often each is the first choice. */
function firstsOf(candidates: readonly Candidate[], options: Parameters<typeof chooseProviders>[1], rounds = 4000) {
  const counts: Record<string, number> = {}
  for (let round = 0; round < rounds; round += 1) {
    const [first] = chooseProviders(candidates, { ...options, turn: round })
    if (first) counts[first.candidate.id] = (counts[first.candidate.id] ?? 0) + 1
  }
  return counts
}

describe('the choice among providers', () => {
  for (const strategy of strategies) {
    it(`${strategy} returns every healthy provider once, whatever the candidates are`, () => {
      const random = createRandom()
      for (let round = 0; round < 300; round += 1) {
        const candidates = Array.from({ length: random.below(12) }, (_, index) =>
          candidate(`server-${index}`, {
            status: random.pick(['healthy', 'degraded', 'unhealthy', 'offline', 'pending', 'unknown']),
            zone: random.pick([undefined, 'a', 'b']),
            region: random.pick([undefined, 'x', 'y']),
            latencyMs: random.pick([undefined, 1, 40]),
            load: random.pick([undefined, 0, 0.5]),
            inFlight: random.pick([undefined, 0, 3]),
          }),
        )
        const here = { zone: random.pick([undefined, 'a']), region: random.pick([undefined, 'x']) }
        const limit = random.pick([undefined, 0, 1, 3])

        const chosen = chooseProviders(candidates, { strategy, key: 'k', turn: round, random: random.next, limit, ...here })

        const healthy = candidates.filter(({ status }) => status === 'healthy')
        const usable = healthy.length > 0 ? healthy : candidates.filter(({ status }) => status === 'degraded')
        assert.equal(chosen.length, Math.min(limit ?? 99, usable.length), random.label)
        assert.equal(new Set(idsOf(chosen)).size, chosen.length, random.label)
        assert.ok(chosen.every(({ candidate: one, reason }) => usable.includes(one) && reason !== ''), random.label)
      }
    })
  }

  it('takes degraded providers only where no healthy one is left, and says so', () => {
    const degraded = candidate('b', { status: 'degraded' })

    assert.deepEqual(idsOf(chooseProviders([degraded, candidate('a')])), ['a'])
    const [choice] = chooseProviders([degraded, candidate('a', { status: 'unhealthy' })])
    assert.equal(choice?.candidate, degraded)
    assert.match(choice?.reason ?? '', /degraded: no healthy one is left/)
  })

  it('puts the same zone first, then the same region, then the rest', () => {
    const candidates = [
      candidate('far', { zone: 'z', region: 'r9' }),
      candidate('same-zone-name-of-another-region', { zone: 'z1', region: 'r9' }),
      candidate('around', { zone: 'z2', region: 'r1' }),
      candidate('near', { zone: 'z1', region: 'r1' }),
    ]

    const chosen = chooseProviders(candidates, { strategy: 'round_robin', zone: 'z1', region: 'r1' })

    assert.deepEqual(idsOf(chosen).slice(0, 2), ['near', 'around'])
    assert.match(chosen[0]?.reason ?? '', /^same zone z1; round robin/)
    assert.match(chosen[1]?.reason ?? '', /^same region r1/)
    assert.match(chosen[2]?.reason ?? '', /^elsewhere than z1, r1/)
  })

  it('leaves a zone whose providers are all degraded for healthy ones elsewhere', () => {
    const candidates = [candidate('near', { zone: 'z1', status: 'degraded' }), candidate('far', { zone: 'z2' })]

    assert.deepEqual(idsOf(chooseProviders(candidates, { zone: 'z1' })), ['far'])
  })

  it('random gives every provider its share', () => {
    const { next, label } = createRandom()
    const counts = firstsOf(abc, { strategy: 'random', random: next })

    for (const { id } of abc) assert.ok(Math.abs((counts[id] ?? 0) - 1333) < 200, `${label}: ${JSON.stringify(counts)}`)
  })

  it('round_robin goes in a circle, whatever the order of the candidates', () => {
    const firsts = [0, 1, 2, 3].map((turn) => {
      const candidates = turn % 2 === 0 ? abc : abc.toReversed()
      return chooseProviders(candidates, { strategy: 'round_robin', turn })[0]?.candidate.id
    })

    assert.deepEqual(firsts, ['a', 'b', 'c', 'a'])
  })

  it('fastest takes the lower latency of two, and names both', () => {
    const candidates = [candidate('slow', { latencyMs: 40 }), candidate('fast', { latencyMs: 12 })]

    const [choice] = chooseProviders(candidates, { strategy: 'fastest' })

    assert.equal(choice?.candidate.id, 'fast')
    assert.equal(choice?.reason, 'lower of two latencies, 12 ms against 40 ms')
  })

  it('fastest never takes the slowest of three, and does not send everything to the fastest', () => {
    const { next, label } = createRandom()
    const candidates = [12, 20, 90].map((latencyMs) => candidate(String(latencyMs), { latencyMs }))
    const counts = firstsOf(candidates, { strategy: 'fastest', random: next })

    assert.equal(counts['90'], undefined)
    assert.ok(Math.abs((counts['12'] ?? 0) - 2667) < 200, `${label}: ${JSON.stringify(counts)}`)
  })

  it('fastest counts the calls in flight, and tries what was never measured', () => {
    const busy = [candidate('busy', { latencyMs: 10, inFlight: 9 }), candidate('idle', { latencyMs: 40 })]
    const fresh = [candidate('new'), candidate('slow', { latencyMs: 40 }), candidate('fast', { latencyMs: 10 })]

    assert.equal(chooseProviders(busy, { strategy: 'fastest' })[0]?.candidate.id, 'idle')
    assert.ok((firstsOf(fresh, { strategy: 'fastest' })['new'] ?? 0) > 500)
  })

  it('least_load takes the lowest reported load, then the fewest calls in flight', () => {
    const candidates = [
      candidate('high', { load: 0.9 }),
      candidate('silent'),
      candidate('low', { load: 0.1, inFlight: 2 }),
      candidate('low too', { load: 0.1, inFlight: 1 }),
    ]

    const chosen = chooseProviders(candidates, { strategy: 'least_load' })

    assert.deepEqual(idsOf(chosen), ['low too', 'low', 'silent', 'high'])
    assert.equal(chosen[0]?.reason, 'least load of 4: load 0.1, 1 in flight')
    assert.match(chosen[2]?.reason ?? '', /reports no load/)
  })

  it('sticky keeps the provider of a key, and moves only the keys of one that leaves', () => {
    const providers = Array.from({ length: 10 }, (_, index) => candidate(`server-${index}`))
    const keys = Array.from({ length: 1000 }, (_, index) => `user-${index}`)
    const providerOf = (key: string, among = providers) =>
      chooseProviders(among, { strategy: 'sticky', key })[0]?.candidate.id

    const before = keys.map((key) => providerOf(key))
    const without = providers.slice(1).toReversed()
    const moved = keys.filter((key, index) => providerOf(key, without) !== before[index])

    assert.deepEqual(
      moved,
      keys.filter((_, index) => before[index] === 'server-0'),
    )
    assert.ok(moved.length > 50 && moved.length < 150, `${moved.length} of 1,000 keys moved`)
    assert.throws(() => chooseProviders(providers, { strategy: 'sticky' }), /"sticky" needs a key/)
  })
})

describe('the figures of a candidate', () => {
  it('the location comes from the labels of Kubernetes, else from the short names', () => {
    assert.deepEqual(locationOf({ zone: 'us-west-2a', region: '' }), { zone: 'us-west-2a', region: undefined })
    assert.deepEqual(locationOf({ 'topology.kubernetes.io/zone': 'k', zone: 'short', region: 'r' }), {
      zone: 'k',
      region: 'r',
    })
    assert.deepEqual(locationOf({}), { zone: undefined, region: undefined })
  })

  it('the moving average follows the response times', () => {
    assert.equal(movingAverage(undefined, 40), 40)
    assert.equal(movingAverage(40, 80), 50)
  })
})
