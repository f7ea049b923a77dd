import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseProviders, strategies } from '../../../src/model/balancing/choose.ts'
import { type BalancedProvider, locationOf, movingAverage } from '../../../src/model/balancing/provider.ts'
import { createRandom } from '../../random.ts'

const provider = (id: string, fields: Partial<BalancedProvider> = {}): BalancedProvider => ({
  id,
  status: 'healthy',
  ...fields,
})
const idsOf = (choices: readonly { readonly provider: BalancedProvider }[]) => choices.map(({ provider: { id } }) => id)
const abc = ['a', 'b', 'c'].map((id) => provider(id))

/** How often each is the first choice. */
function firstsOf(
  providers: readonly BalancedProvider[],
  options: Parameters<typeof chooseProviders>[1],
  rounds = 4000,
) {
  const counts: Record<string, number> = {}
  for (let round = 0; round < rounds; round += 1) {
    const [first] = chooseProviders(providers, { ...options, turn: round })
    if (first) counts[first.provider.id] = (counts[first.provider.id] ?? 0) + 1
  }
  return counts
}

describe('the choice among providers', () => {
  for (const strategy of strategies) {
    it(`${strategy} returns every healthy provider once, whatever the providers are`, () => {
      const random = createRandom()
      for (let round = 0; round < 300; round += 1) {
        const providers = Array.from({ length: random.below(12) }, (_, index) =>
          provider(`server-${index}`, {
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

        const chosen = chooseProviders(providers, {
          strategy,
          key: 'k',
          turn: round,
          random: random.next,
          limit,
          ...here,
        })

        const healthy = providers.filter(({ status }) => status === 'healthy')
        const usable = healthy.length > 0 ? healthy : providers.filter(({ status }) => status === 'degraded')
        assert.equal(chosen.length, Math.min(limit ?? 99, usable.length), random.label)
        assert.equal(new Set(idsOf(chosen)).size, chosen.length, random.label)
        assert.ok(
          chosen.every(({ provider: one, reason }) => usable.includes(one) && reason !== ''),
          random.label,
        )
      }
    })
  }

  it('takes degraded providers only where no healthy one is left, and says so', () => {
    const degraded = provider('b', { status: 'degraded' })

    assert.deepEqual(idsOf(chooseProviders([degraded, provider('a')])), ['a'])
    const [choice] = chooseProviders([degraded, provider('a', { status: 'unhealthy' })])
    assert.equal(choice?.provider, degraded)
    assert.match(choice?.reason ?? '', /degraded: no healthy one is left/)
  })

  it('puts the same zone first, then the same region, then the rest', () => {
    const providers = [
      provider('far', { zone: 'z', region: 'r9' }),
      provider('same-zone-name-of-another-region', { zone: 'z1', region: 'r9' }),
      provider('around', { zone: 'z2', region: 'r1' }),
      provider('near', { zone: 'z1', region: 'r1' }),
    ]

    const chosen = chooseProviders(providers, { strategy: 'round_robin', zone: 'z1', region: 'r1' })

    assert.deepEqual(idsOf(chosen).slice(0, 2), ['near', 'around'])
    assert.match(chosen[0]?.reason ?? '', /^same zone z1; round robin/)
    assert.match(chosen[1]?.reason ?? '', /^same region r1/)
    assert.match(chosen[2]?.reason ?? '', /^elsewhere than z1, r1/)
  })

  it('leaves a zone whose providers are all degraded for healthy ones elsewhere', () => {
    const providers = [provider('near', { zone: 'z1', status: 'degraded' }), provider('far', { zone: 'z2' })]

    assert.deepEqual(idsOf(chooseProviders(providers, { zone: 'z1' })), ['far'])
  })

  it('random gives every provider its share', () => {
    const { next, label } = createRandom()
    const counts = firstsOf(abc, { strategy: 'random', random: next })

    for (const { id } of abc) assert.ok(Math.abs((counts[id] ?? 0) - 1333) < 200, `${label}: ${JSON.stringify(counts)}`)
  })

  it('round_robin goes in a circle, whatever the order of the providers', () => {
    const firsts = [0, 1, 2, 3].map((turn) => {
      const providers = turn % 2 === 0 ? abc : abc.toReversed()
      return chooseProviders(providers, { strategy: 'round_robin', turn })[0]?.provider.id
    })

    assert.deepEqual(firsts, ['a', 'b', 'c', 'a'])
  })

  it('fastest takes the lower latency of two, and names both', () => {
    const providers = [provider('slow', { latencyMs: 40 }), provider('fast', { latencyMs: 12 })]

    const [choice] = chooseProviders(providers, { strategy: 'fastest' })

    assert.equal(choice?.provider.id, 'fast')
    assert.equal(choice?.reason, 'lower of two latencies, 12 ms against 40 ms')
  })

  it('fastest never takes the slowest of three, and does not send everything to the fastest', () => {
    const { next, label } = createRandom()
    const providers = [12, 20, 90].map((latencyMs) => provider(String(latencyMs), { latencyMs }))
    const counts = firstsOf(providers, { strategy: 'fastest', random: next })

    assert.equal(counts['90'], undefined)
    assert.ok(Math.abs((counts['12'] ?? 0) - 2667) < 200, `${label}: ${JSON.stringify(counts)}`)
  })

  it('fastest counts the calls in flight, and tries what was never measured', () => {
    const busy = [provider('busy', { latencyMs: 10, inFlight: 9 }), provider('idle', { latencyMs: 40 })]
    const fresh = [provider('new'), provider('slow', { latencyMs: 40 }), provider('fast', { latencyMs: 10 })]

    assert.equal(chooseProviders(busy, { strategy: 'fastest' })[0]?.provider.id, 'idle')
    assert.ok((firstsOf(fresh, { strategy: 'fastest' })['new'] ?? 0) > 500)
  })

  it('least_load takes the lowest reported load, then the fewest calls in flight', () => {
    const providers = [
      provider('high', { load: 0.9 }),
      provider('silent'),
      provider('low', { load: 0.1, inFlight: 2 }),
      provider('low too', { load: 0.1, inFlight: 1 }),
    ]

    const chosen = chooseProviders(providers, { strategy: 'least_load' })

    assert.deepEqual(idsOf(chosen), ['low too', 'low', 'silent', 'high'])
    assert.equal(chosen[0]?.reason, 'least load of 4: load 0.1, 1 in flight')
    assert.match(chosen[2]?.reason ?? '', /reports no load/)
  })

  it('sticky keeps the provider of a key, and moves only the keys of one that leaves', () => {
    const providers = Array.from({ length: 10 }, (_, index) => provider(`server-${index}`))
    const keys = Array.from({ length: 1000 }, (_, index) => `user-${index}`)
    const providerOf = (key: string, among = providers) =>
      chooseProviders(among, { strategy: 'sticky', key })[0]?.provider.id

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

describe('the figures of a provider', () => {
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
