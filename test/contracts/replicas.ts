import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StoreChange, Store } from '../../src/stores/store.ts'
import { changesUntil, confirm, put, registrationIn, retire, until } from '../stores/builders.ts'
import { testReplicaEvents } from './stored-events.ts'

/** Tests of the promises of a store to several daemons on one database. */
export function testReplicas({
  one,
  open,
}: {
  /** An open instance. */
  one: () => Store
  /** Opens another instance on the same database. */
  open: () => Promise<Store>
}): void {
  describe('with two instances on one database', () => {
    let other: Store
    before(async () => {
      other = await open()
    })
    after(() => other[Symbol.asyncDispose]())

    it('reports puts and deletions of the other instance in order', async () => {
      await other.commit([put({ name: 'shared-old' })])
      const { resource_version: since } = await one().load()
      const outcomes = await other.commit([
        put({ name: 'shared', definition: '{"by":"other"}' }),
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'shared-old', expect: 'any' },
      ])

      const changes = await changesUntil(one(), since, (all) => withoutHeartbeats(all).length >= 2)

      assert.deepEqual(
        withoutHeartbeats(changes).map((one) => (one.type === 'put' ? one.registration : one)),
        [
          registrationIn(outcomes[0]),
          {
            type: 'deleted',
            kind: 'agent',
            namespace: 'default',
            name: 'shared-old',
            resource_version: outcomes[1]?.type === 'deleted' ? outcomes[1].resource_version : '',
          },
        ],
      )
    })

    it('lets exactly one writer of both instances win', async () => {
      let { resource_version: version } = registrationIn((await one().commit([put({ name: 'duel' })]))[0])
      for (let round = 0; round < 10; round += 1) {
        const expect = { version }
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, writer) =>
            (writer % 2 ? one() : other).commit([put({ name: 'duel', definition: `${writer}`, expect })]),
          ),
        )
        const winners = outcomes.flat().filter(({ type }) => type === 'put')
        assert.equal(winners.length, 1)
        version = registrationIn(winners[0]).resource_version
      }
    })

    it('confirms no version that the other instance has replaced or deleted', async () => {
      const { resource_version: version } = registrationIn((await one().commit([put({ name: 'asked' })]))[0])
      const replaced = registrationIn((await other.commit([put({ name: 'asked', definition: '2' })]))[0])
      assert.deepEqual(await one().commit([confirm('asked', { version })]), [{ type: 'conflict', current: replaced }])

      await other.commit([{ type: 'delete', kind: 'agent', namespace: 'default', name: 'asked', expect: 'any' }])
      assert.deepEqual(await one().commit([confirm('asked', 'none')]), [{ type: 'confirmed' }])
    })

    it('retires no agent whose heartbeat the other instance has stored since', async () => {
      const { resource_version: version } = registrationIn((await one().commit([put({ name: 'lively' })]))[0])
      other.recordHeartbeats([{ name: 'lively', age_ms: 30_000, timeout: 0, self_report: 'degraded' }])
      await until(() => other.state().pending.heartbeats === 0)

      const [alive] = await one().commit([retire('lively', version, 60_000)])
      assert.ok(alive?.type === 'alive', JSON.stringify(alive))
      assert.equal(alive.heartbeat.name, 'lively')
      assert.equal(alive.heartbeat.self_report, 'degraded')
      assert.ok(alive.heartbeat.age_ms >= 30_000 && alive.heartbeat.age_ms < 60_000, JSON.stringify(alive))
      assert.equal((await one().commit([confirm('lively', { version })]))[0]?.type, 'confirmed')

      assert.equal((await one().commit([retire('lively', version, 10_000)]))[0]?.type, 'deleted')
      assert.equal(
        (await one().load()).heartbeats.some(({ name }) => name === 'lively'),
        false,
      )
    })

    it('assigns each version once, and reports every write to a follower', async () => {
      const { resource_version: since } = await one().load()
      const writing = Promise.all(
        Array.from({ length: 200 }, (_, n) => (n % 2 ? one() : other).commit([put({ name: `pair-${n}` })])),
      )
      const changes = await changesUntil(one(), since, (all) => namesIn(all, 'pair-').size >= 100)
      const versions = (await writing).flat().map((outcome) => registrationIn(outcome).resource_version)

      assert.equal(new Set(versions).size, 200)
      for (let n = 0; n < 200; n += 2) assert.ok(namesIn(changes, 'pair-').has(`pair-${n}`))
    })

    it('reports a heartbeat of the other instance within a third of the timeout', async () => {
      await one().commit([put({ name: 'roaming', lease: { timeout: 6, eviction: 12 } })])
      const { resource_version: since } = await one().load()
      const start = performance.now()
      const nextHeartbeat = changesUntil(one(), since, (all) =>
        all.some((one) => one.type === 'heartbeats' && one.heartbeats.some(({ name }) => name === 'roaming')),
      )
      other.recordHeartbeats([{ name: 'roaming', age_ms: 0, timeout: 6, self_report: 'fine' }])

      const changes = await nextHeartbeat
      assert.ok(performance.now() - start < 2000, `took ${performance.now() - start} ms`)
      const heartbeats = changes.flatMap((one) => (one.type === 'heartbeats' ? one.heartbeats : []))
      const heartbeat = heartbeats.find(({ name }) => name === 'roaming')
      assert.equal(heartbeat?.self_report, 'fine')
      assert.ok(heartbeat && heartbeat.age_ms >= 0 && heartbeat.age_ms < 2500, JSON.stringify(heartbeat))
    })

    it('reads a heartbeat once while others follow', async () => {
      await one().commit([put({ name: 'counted' })])
      const { resource_version: since } = await one().load()
      let reads = 0
      const seen = changesUntil(one(), since, (all) => {
        const heartbeats = all.filter((change) => change.type === 'heartbeats').flatMap((change) => change.heartbeats)
        reads = heartbeats.filter(({ name }) => name === 'counted').length
        return heartbeats.some(({ name }) => name === 'last')
      })
      for (const name of ['counted', 'one', 'two', 'three', 'last']) {
        await other.commit([put({ name })])
        other.recordHeartbeats([{ name, age_ms: 0, timeout: 0 }])
        await until(() => other.state().pending.heartbeats === 0)
      }

      await seen
      assert.equal(reads, 1)
    })

    testReplicaEvents({ one, other: () => other })
  })
}

function namesIn(changes: readonly StoreChange[], prefix: string): Set<string> {
  return new Set(
    changes.flatMap((one) =>
      one.type === 'put' && one.registration.name.startsWith(prefix) ? one.registration.name : [],
    ),
  )
}

function withoutHeartbeats(changes: readonly StoreChange[]): StoreChange[] {
  return changes.filter(({ type }) => type !== 'heartbeats')
}
