import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type StoreChange, type Store, StoreUnavailable } from '../../src/stores/store.ts'
import { put, registrationIn, until } from '../stores/builders.ts'
import { followerOf, joined, verdict } from './stored-verdicts.ts'

/** Tests of the promises of a store while its database server is stopped and started again. */
export function testOutage({
  open,
  server,
}: {
  /** Opens another instance on the same database. */
  open: () => Promise<Store>
  server: () => { readonly stop: () => Promise<void>; readonly start: () => Promise<void> }
}): void {
  it('loses no acknowledged write while the database restarts under load, and recovers by itself', async () => {
    await using store = await open()
    await using other = await open()
    const load = createLoad(store)
    const follower = startFollower(other)
    await until(() => load.acknowledged.size >= 200)

    await server().stop()
    await until(() => store.state().status === 'down' && other.state().status === 'down' && load.rejected() > 0, 15_000)
    store.recordHeartbeats([...load.acknowledged].slice(0, 50).map((name) => ({ name, age_ms: 0, timeout: 1 })))
    const start = performance.now()
    await assert.rejects(
      store.commit([put()]),
      (error: unknown) => error instanceof StoreUnavailable && error.retry_after >= 1,
    )
    assert.ok(performance.now() - start < 100, 'is rejected at once')
    await assert.rejects(store.load(), StoreUnavailable)
    assert.equal(store.state().pending.heartbeats, 50)

    await server().start()
    await until(() => store.state().status === 'up' && other.state().status === 'up', 15_000)
    const before = load.acknowledged.size
    await until(() => load.acknowledged.size >= before + 200, 15_000)
    await load.stop()

    assert.deepEqual(load.failed, [])
    const snapshot = await store.load()
    const names = new Set(snapshot.registrations.map(({ name }) => name))
    assert.deepEqual(
      [...load.acknowledged].filter((name) => !names.has(name)),
      [],
    )
    await until(() => store.state().pending.heartbeats === 0)
    assert.equal((await store.load()).heartbeats.length, 50)
    await until(() => [...load.acknowledged].every((name) => follower.names.has(name)))
    await until(() => follower.snapshots() > 0)
    await follower.stop()
  })

  testVerdictOutage({ open, server })

  it('keeps versions and times across an outage', async () => {
    await using store = await open()
    const before = registrationIn((await store.commit([put({ name: 'outlived' })]))[0])
    await server().stop()
    await server().start()
    await until(async () => {
      try {
        const [after] = await store.commit([put({ name: 'outlived', expect: { version: before.resource_version } })])
        return registrationIn(after).created_at === before.created_at
      } catch (error) {
        if (error instanceof StoreUnavailable) return false
        throw error
      }
    }, 15_000)
  })
}

/** Tests what becomes of verdicts meanwhile. */
function testVerdictOutage({ open, server }: Parameters<typeof testOutage>[0]): void {
  it('goes on with verdicts where a follower was before the outage', async () => {
    await using store = await open()
    await using other = await open()
    const fence = { id: 'outage', incarnation: '1' }
    const verdicts = await joined(store, fence, 3_600_000)
    await verdicts.save([verdict('before'), verdict('replaced')], fence)
    await using follower = followerOf(other)
    await until(() => follower.ends() === 1)

    /** Whether a verdict could be saved; false in the outage. */
    async function isSaved(target: string): Promise<boolean> {
      return verdicts.save([verdict(target)], fence).catch((error: unknown) => {
        assert.ok(error instanceof StoreUnavailable, String(error))
        return false
      })
    }

    await server().stop()
    await until(async () => !(await isSaved('never')) && other.state().status === 'down', 15_000)
    const start = performance.now()
    assert.equal(await isSaved('never'), false)
    await assert.rejects(verdicts.prune(0, fence), StoreUnavailable)
    assert.ok(performance.now() - start < 100, 'is rejected at once')
    await server().start()
    await until(() => isSaved('replaced'), 15_000)

    await until(() => follower.targets().length === 3, 15_000)
    assert.deepEqual(follower.targets(), ['before', 'replaced', 'replaced'])
    assert.equal(follower.ends(), 1)
  })
}

/** Writers that continue after every failure. */
function createLoad(store: Store) {
  const acknowledged = new Set<string>()
  const failed: unknown[] = []
  let rejected = 0
  const stop = new AbortController()

  async function write(client: number): Promise<void> {
    for (let n = 0; !stop.signal.aborted; n += 1) {
      const name = `load-${client}-${n}`
      try {
        await store.commit([put({ name })])
        acknowledged.add(name)
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) failed.push(error)
        rejected += 1
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  const writers = Promise.all(Array.from({ length: 10 }, (_, client) => write(client)))
  return {
    acknowledged,
    failed,
    rejected: () => rejected,
    stop: () => {
      stop.abort()
      return writers
    },
  }
}

/** Collects the names of all changes. */
function startFollower(store: Store) {
  const names = new Set<string>()
  let snapshots = 0
  const stop = new AbortController()
  const addName = (one: StoreChange) => {
    if (one.type === 'put') names.add(one.registration.name)
    if (one.type !== 'snapshot') return
    snapshots += 1
    for (const { name } of one.snapshot.registrations) names.add(name)
  }
  const following = (async () => {
    for await (const changes of store.changes({ since: '0', signal: stop.signal }))
      for (const one of changes) addName(one)
  })()
  return {
    names,
    /** How often the whole state was read again. */
    snapshots: () => snapshots,
    stop: () => {
      stop.abort()
      return following
    },
  }
}
