import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  assignProvider,
  createSpreadGroup,
  loadBound,
  loadOf,
  loadsOf,
  releaseConsumer,
} from '../../../src/agents/resolution/spread.ts'
import { createRandom } from '../../random.ts'

/** Consumers that look for their provider again after every change, in random order, as heartbeats do. */
function createWorld(random: ReturnType<typeof createRandom>) {
  const group = createSpreadGroup()
  const providers = new Map<string, undefined>()
  const consumers = new Set<string>()

  /** Every consumer looks again; returns those that moved. */
  function settle(): Set<string> {
    const moved = new Set<string>()
    const order = [...consumers].map((consumer) => ({ consumer, key: random.next() })).toSorted((a, b) => a.key - b.key)
    for (const { consumer } of order) {
      const before = group.assignments.get(consumer)
      if (assignProvider(group, consumer, providers) !== before && before !== undefined) moved.add(consumer)
    }
    return moved
  }

  function assertBalanced(): void {
    const bound = loadBound(consumers.size, providers.size)
    const loads = [...providers.keys()].map((provider) => loadOf(group, provider))
    const assigned = [...group.assignments.values()]
    const counted = [...providers.keys()].map((provider) => assigned.filter((one) => one === provider).length)
    assert.deepEqual(loads, counted, random.label)
    assert.equal(assigned.length, consumers.size, random.label)
    assert.ok(Math.max(...loads) <= bound, `${random.label}: ${loads.join(' ')} over ${bound}`)
    // Consumers cannot be halved: beyond that, no provider has more than 1.25 times the mean.
    assert.ok(bound <= (1.25 * consumers.size) / providers.size || bound === Math.ceil(consumers.size / providers.size))
  }

  return { group, providers, consumers, settle, assertBalanced }
}

describe('the spread over equal providers', () => {
  it('1,000 consumers over 10 providers: none has more than 1.25 times the mean, whatever the ids', () => {
    for (const prefix of ['', 'agent-', 'weather-consumer-with-a-long-name-']) {
      const group = createSpreadGroup()
      const providers = new Map(Array.from({ length: 10 }, (_, at) => [`${prefix}provider-${at}`, undefined]))
      for (let at = 0; at < 1000; at += 1) assignProvider(group, `${prefix}${at}`, providers)

      assert.ok(Math.max(...loadsOf(group).values()) <= 125)
      assert.equal(loadsOf(group).size, 10)
    }
  })

  it('six consumers of four providers use all four', () => {
    const group = createSpreadGroup()
    const providers = new Map(['a', 'b', 'c', 'd'].map((id) => [id, undefined]))
    for (const consumer of ['1', '2', '3', '4', '5', '6']) assignProvider(group, consumer, providers)

    assert.deepEqual(
      [...loadsOf(group).values()].toSorted((a, b) => a - b),
      [1, 1, 2, 2],
    )
  })

  it('a provider that leaves moves its own consumers and at most as many again; the bound holds after every change', () => {
    const random = createRandom()
    for (let round = 0; round < 25; round += 1) {
      const world = createWorld(random)
      const { group, providers, consumers } = world
      for (let left = 1 + random.below(12); left > 0; left -= 1) providers.set(`p${left}`, undefined)
      for (let step = 0; step < 40; step += 1) {
        const action = random.below(5)
        if (action === 0 && providers.size > 1) {
          const leaving = random.pick([...providers.keys()])
          const own = loadOf(group, leaving)
          providers.delete(leaving)
          const moved = world.settle()
          assert.ok(moved.size >= own && moved.size <= 2 * own, `${random.label}: ${own} left, ${moved.size} moved`)
        } else if (action === 1) providers.set(`p${random.below(30)}`, undefined)
        else if (action === 2) {
          for (const consumer of random.some([...consumers])) {
            consumers.delete(consumer)
            releaseConsumer(group, consumer)
          }
        } else for (let left = random.below(60); left > 0; left -= 1) consumers.add(`c${random.below(500)}`)
        world.settle()
        world.assertBalanced()
        assert.equal(world.settle().size, 0, `${random.label}: consumers move without a change`)
      }
    }
  })

  it('a release that leaves a provider above the bound says so, and no other does', () => {
    const random = createRandom()
    for (let round = 0; round < 200; round += 1) {
      const group = createSpreadGroup()
      const providers = new Map(Array.from({ length: 1 + random.below(6) }, (_, at) => [`p${at}`, undefined]))
      const consumers = Array.from({ length: 1 + random.below(40) }, (_, at) => `c${at}`)
      for (const consumer of consumers) assignProvider(group, consumer, providers)
      for (const consumer of random.some(consumers)) {
        const before = Math.max(...loadsOf(group).values()) > loadBound(group.assignments.size, providers.size)
        const isOverloaded = releaseConsumer(group, consumer)
        const after = Math.max(0, ...loadsOf(group).values()) > loadBound(group.assignments.size, providers.size)
        assert.ok(isOverloaded === after || (before && after), random.label)
      }
    }
  })

  it('a consumer keeps the provider that it had before the group was known', () => {
    const group = createSpreadGroup()
    const providers = new Map(['a', 'b', 'c'].map((id) => [id, undefined]))

    for (const provider of ['c', 'a', 'b'])
      assert.equal(assignProvider(group, `consumer of ${provider}`, providers, provider), provider)
  })
})
