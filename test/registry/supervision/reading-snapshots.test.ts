import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createBackoff } from '../../../src/flow/backoff.ts'
import { silent } from '../../../src/log.ts'
import { type Reading, type Sighting, type Source, SourceError } from '../../../src/model/source.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { createReadingSnapshots } from '../../../src/registry/supervision/reading-snapshots.ts'
import { createSupervisor, type SourcePlan } from '../../../src/registry/supervision/supervisor.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import type { Store } from '../../../src/stores/store.ts'
import { entry, reading } from '../../builders.ts'
import { until } from '../../e2e/daemon-process.ts'

type SnapshotStore = Pick<Store, 'saveReadings' | 'readings'>

const down = (origin = 'place'): Reading => ({ origin, error: new SourceError('is down') })
const picture = (...readings: Reading[]): Sighting => ({ type: 'picture', readings })

/** A source that yields the given sightings, and later those that the test passes to `say`. */
function scripted(...first: readonly Sighting[]) {
  const waiting = [...first]
  let wake = () => {}
  const source: Source = async function* ({ signal }) {
    signal.addEventListener('abort', () => wake())
    while (!signal.aborted) {
      const next = waiting.shift()
      if (next) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { source, say: (sighting: Sighting) => (waiting.push(sighting), wake()) }
}

/** One run of a daemon with these sources; the store outlives it. */
async function startRun(
  store: SnapshotStore | Promise<SnapshotStore>,
  sources: Readonly<Record<string, Source>>,
  more: Partial<SourcePlan> = {},
) {
  const registry = createRegistry({
    onError: (error) => {
      throw error
    },
  })
  const snapshots = createReadingSnapshots({ opening: Promise.resolve(store), log: silent, quietMs: 5, maxDelayMs: 50 })
  const supervisor = createSupervisor({
    registry,
    snapshots,
    log: silent,
    backoff: () => createBackoff({ firstMs: 1, maxMs: 2 }),
  })
  const plans = Object.entries(sources).map(([name, source]): SourcePlan => {
    return {
      name,
      type: 'test',
      settings: { name },
      layer: { reach: 'any', discovery_method: 'http_discovery' },
      trust: { stdio: () => false, questionsShrinks: false },
      maxSilenceMs: 60_000,
      isPersisted: true,
      open: () => source,
      ...more,
    }
  })
  await supervisor.apply(plans)
  const shown = () => registry.list().map(({ server }) => `${server.name}${server.stale ? ' stale' : ''}`)
  return {
    registry,
    supervisor,
    plans,
    shown,
    untilShown: (...names: string[]) =>
      until(() => shown().join() === names.join(), 5).catch(() => assert.deepEqual(shown(), names)),
    [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
  }
}

/** A store written by an earlier run that saw `readings`. */
async function storeAfter(...readings: Reading[]): Promise<Store> {
  const store = openMemory({ log: silent })
  await using first = await startRun(store, { http: scripted(picture(...readings)).source })
  await until(() => first.registry.size() > 0, 5)
  return store
}

describe('reading snapshots over a restart', () => {
  it('show a source as stale and syncing until its first answer', async () => {
    const store = await storeAfter(reading('place', 'weather', 'maps'))
    const place = scripted(picture(down()))
    await using daemon = await startRun(store, { http: place.source })

    await daemon.untilShown('maps stale', 'weather stale')
    assert.deepEqual(daemon.supervisor.syncing(), ['http'])
    assert.equal(daemon.supervisor.ready(), false)
    const [{ origins } = assert.fail()] = daemon.supervisor.sources()
    assert.match(origins[0]?.error ?? '', /is down|not read since/)

    place.say(picture(reading('place', 'weather')))
    await daemon.untilShown('weather')
    assert.deepEqual(daemon.supervisor.syncing(), [])
  })

  it('show the last good reading of a source that hangs', async () => {
    const store = await storeAfter(reading('place', 'weather'))
    await using daemon = await startRun(store, { http: scripted().source })

    await daemon.untilShown('weather stale')
    assert.match(daemon.supervisor.sources()[0]?.origins[0]?.error ?? '', /not read since the daemon started/)
  })

  it('keep everything of a source that throws or fails as a whole', async () => {
    const store = await storeAfter(reading('one', 'weather'), reading('two', 'maps'))
    const throwing: Source = () => {
      throw new SourceError('is down')
    }
    await using first = await startRun(store, { http: throwing })
    await first.untilShown('maps stale', 'weather stale')
    await until(() => (first.supervisor.sources()[0]?.restarts ?? 0) > 2)
    assert.equal(first.registry.size(), 2)

    const failing = scripted()
    await using second = await startRun(store, { http: failing.source })
    await second.untilShown('maps stale', 'weather stale')
    failing.say(picture(down('whole')))
    await until(() => second.supervisor.sources()[0]?.origins.length === 3)
    assert.deepEqual(second.shown(), ['maps stale', 'weather stale'])
    failing.say(picture(reading('two', 'maps')))
    await second.untilShown('maps')
  })

  it('do not overwrite an answer that came before the store was readable', async () => {
    const store = await storeAfter(reading('place', 'old'))
    const opening = Promise.withResolvers<SnapshotStore>()
    await using daemon = await startRun(opening.promise, { http: scripted(picture(reading('place', 'new'))).source })
    await daemon.untilShown('new')

    let read = false
    opening.resolve({ ...store, readings: async () => ((read = true), await store.readings()) })
    await until(() => read)
    await new Promise(setImmediate)
    assert.deepEqual(daemon.shown(), ['new'])
  })

  it('finish a write that runs while the daemon stops', async () => {
    const store = openMemory({ log: silent })
    const begun = Promise.withResolvers<void>()
    const slow: SnapshotStore = {
      readings: store.readings,
      saveReadings: async (...kept) => {
        begun.resolve()
        for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
        await store.saveReadings(...kept)
      },
    }
    {
      await using _ = await startRun(slow, { http: scripted(picture(reading('place', 'weather'))).source })
      await begun.promise
    }
    const [kept] = await store.readings()

    assert.equal(kept?.readings.length, 1)
  })

  it('restore nothing under other settings, or for a source that is not persisted', async () => {
    const store = await storeAfter(reading('place', 'weather'))
    for (const more of [{ settings: { other: true } }, { isPersisted: false }]) {
      let reads = 0
      const counting = { ...store, readings: async () => ((reads += 1), await store.readings()) }
      await using daemon = await startRun(counting, { http: scripted().source }, more)
      if (more.isPersisted !== false) await until(() => reads > 0)
      await new Promise(setImmediate)
      assert.deepEqual(daemon.shown(), [])
    }
  })

  it('restore a removed source when it is configured again', async () => {
    const store = openMemory({ log: silent })
    const place = scripted(picture(reading('place', 'weather')))
    await using daemon = await startRun(store, { http: place.source })
    await daemon.untilShown('weather')

    await daemon.supervisor.apply([])
    assert.deepEqual(daemon.shown(), [])
    await daemon.supervisor.apply(daemon.plans)

    await daemon.untilShown('weather stale')
  })

  it('restore nothing of a place that was emptied', async () => {
    const store = await storeAfter(reading('place', 'weather'))
    {
      await using emptied = await startRun(store, { http: scripted(picture({ origin: 'place', entries: [] })).source })
      await until(() => emptied.supervisor.syncing().length === 0)
    }
    const [kept] = await store.readings()

    assert.deepEqual(kept?.readings, [])
  })

  describe('reading snapshots five minutes after the first answer', () => {
    const restored = [reading('one', 'weather'), reading('two', 'maps')]

    it('keep an origin that has failed since', async (test) => {
      const place = scripted()
      await using daemon = await startRun(await storeAfter(...restored), { http: place.source })
      await daemon.untilShown('maps stale', 'weather stale')

      await letPass(test, () => place.say(picture(reading('one', 'weather'), down('two'))))

      assert.deepEqual(daemon.shown(), ['maps stale', 'weather'])
    })

    it('drop an origin without any mention, for good', async (test) => {
      const store = await storeAfter(...restored)
      const change: Sighting = { type: 'change', readings: [reading('one', 'weather')], gone: [] }
      {
        const place = scripted()
        await using daemon = await startRun(store, { http: place.source })
        await daemon.untilShown('maps stale', 'weather stale')

        await letPass(test, () => place.say(change))

        assert.deepEqual(daemon.shown(), ['weather'])
        assert.equal(daemon.supervisor.sources()[0]?.state, 'synced')
      }
      await using daemon = await startRun(store, { http: scripted().source })
      await daemon.untilShown('weather stale')
    })

    async function letPass({ mock }: TestContext, answer: () => void): Promise<void> {
      mock.timers.enable({ apis: ['setTimeout'] })
      answer()
      for (let turns = 0; turns < 20; turns++) await turn()
      mock.timers.tick(300_000)
      mock.timers.reset()
    }
  })

  it('restore secrets unredacted, and no command that is not trusted now', async () => {
    const headers = { Authorization: 'Bearer hunter2' }
    const store = openMemory({ log: silent })
    const entries = [entry({ name: 'remote', headers }), entry({ name: 'local', url: undefined, command: 'python' })]
    const trusting = { trust: { stdio: () => true, questionsShrinks: false } }
    {
      await using first = await startRun(
        store,
        { http: scripted(picture({ origin: 'place', entries })).source },
        trusting,
      )
      await first.untilShown('local', 'remote')
    }
    await using daemon = await startRun(store, { http: scripted().source })

    await daemon.untilShown('remote stale')
    assert.deepEqual(daemon.registry.get('default/remote')?.server.headers, headers)
  })

  it('do not affect sources while the store is down', async () => {
    const broken: SnapshotStore = {
      readings: () => Promise.reject(new Error('down')),
      saveReadings: () => Promise.reject(new Error('down')),
    }
    await using daemon = await startRun(broken, { http: scripted(picture(reading('place', 'weather'))).source })

    await daemon.untilShown('weather')
  })
})
