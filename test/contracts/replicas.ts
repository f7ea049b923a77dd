import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StoreChange, Store } from '../../src/stores/store.ts'
import { made, newsUntil, put } from '../stores/builders.ts'

/** What a store promises to several daemons on one database. */
export function keepsReplicasTogether({
  one,
  open,
}: {
  /** One instance, open already. */
  one: () => Store
  /** Opens another on the same database. */
  open: () => Promise<Store>
}): void {
  describe('with two instances on one database', () => {
    let other: Store
    before(async () => {
      other = await open()
    })
    after(() => other[Symbol.asyncDispose]())

    it('tells each what the other wrote and deleted, in order', async () => {
      await other.commit([put({ name: 'shared-old' })])
      const { resource_version: since } = await one().load()
      const wrote = await other.commit([
        put({ name: 'shared', definition: '{"by":"other"}' }),
        { type: 'delete', kind: 'agent', namespace: 'default', name: 'shared-old', expect: 'any' },
      ])

      const news = await newsUntil(one(), since, (all) => withoutBeats(all).length >= 2)

      assert.deepEqual(
        withoutBeats(news).map((one) => (one.type === 'put' ? one.registration : one)),
        [
          made(wrote[0]),
          {
            type: 'deleted',
            kind: 'agent',
            namespace: 'default',
            name: 'shared-old',
            resource_version: wrote[1]?.type === 'deleted' ? wrote[1].resource_version : '',
          },
        ],
      )
    })

    it('lets exactly one win over both', async () => {
      let { resource_version: version } = made((await one().commit([put({ name: 'duel' })]))[0])
      for (let round = 0; round < 10; round += 1) {
        const expect = { version }
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, writer) =>
            (writer % 2 ? one() : other).commit([put({ name: 'duel', definition: `${writer}`, expect })]),
          ),
        )
        const won = outcomes.flat().filter(({ type }) => type === 'put')
        assert.equal(won.length, 1)
        version = made(won[0]).resource_version
      }
    })

    it('never gives one version twice, nor hides a write from a follower', async () => {
      const { resource_version: since } = await one().load()
      const writing = Promise.all(
        Array.from({ length: 200 }, (_, n) => (n % 2 ? one() : other).commit([put({ name: `pair-${n}` })])),
      )
      const told = await newsUntil(one(), since, (all) => foreign(all, 'pair-').size >= 100)
      const versions = (await writing).flat().map((outcome) => made(outcome).resource_version)

      assert.equal(new Set(versions).size, 200)
      for (let n = 0; n < 200; n += 2) assert.ok(foreign(told, 'pair-').has(`pair-${n}`))
    })

    it('tells a foreign heartbeat within a third of the timeout', async () => {
      await one().commit([put({ name: 'roaming', lease: { timeout: 6, eviction: 12 } })])
      const { resource_version: since } = await one().load()
      const start = performance.now()
      const hearing = newsUntil(one(), since, (all) =>
        all.some((one) => one.type === 'heartbeats' && one.heartbeats.some(({ name }) => name === 'roaming')),
      )
      other.recordHeartbeats([{ name: 'roaming', age_ms: 0, timeout: 6, self_report: 'fine' }])

      const told = await hearing
      assert.ok(performance.now() - start < 2000, `took ${performance.now() - start} ms`)
      const beats = told.flatMap((one) => (one.type === 'heartbeats' ? one.heartbeats : []))
      const beat = beats.find(({ name }) => name === 'roaming')
      assert.equal(beat?.self_report, 'fine')
      assert.ok(beat && beat.age_ms >= 0 && beat.age_ms < 2500, JSON.stringify(beat))
    })
  })
}

function foreign(news: readonly StoreChange[], prefix: string): Set<string> {
  return new Set(
    news.flatMap((one) =>
      one.type === 'put' && one.registration.name.startsWith(prefix) ? one.registration.name : [],
    ),
  )
}

function withoutBeats(news: readonly StoreChange[]): StoreChange[] {
  return news.filter(({ type }) => type !== 'heartbeats')
}
