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
import { until } from '../../e2e/running.ts'
import { entry, reading } from '../../made.ts'

type Kept = Pick<Store, 'saveReadings' | 'readings'>

const down = (origin = 'place'): Reading => ({ origin, error: new SourceError('is down') })
const picture = (...readings: Reading[]): Sighting => ({ type: 'picture', readings })

/** Says what it is told to say, one sighting after the other, and then nothing more until it is told. */
function told(...first: readonly Sighting[]) {
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

/** One life of a daemon with these sources; the store outlives it. */
async function live(
  store: Kept | Promise<Kept>,
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
    backoff: () => createBackoff({ firstMs: 1, mostMs: 2 }),
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

/** A store that remembers a first life in which `readings` were seen. */
async function after(...readings: Reading[]): Promise<Store> {
  const store = openMemory({ log: silent })
  await using first = await live(store, { http: told(picture(...readings)).source })
  await until(() => first.registry.size() > 0, 5)
  return store
}

describe('over a restart', () => {
  it('a source is shown as it was, stale, and named as syncing, until it answers', async () => {
    const store = await after(reading('place', 'weather', 'maps'))
    const place = told(picture(down()))
    await using daemon = await live(store, { http: place.source })

    await daemon.untilShown('maps stale', 'weather stale')
    assert.deepEqual(daemon.supervisor.syncing(), ['http'])
    assert.equal(daemon.supervisor.ready(), false)
    const [{ origins } = assert.fail()] = daemon.supervisor.sources()
    assert.match(origins[0]?.error ?? '', /is down|not read since/)

    place.say(picture(reading('place', 'weather')))
    await daemon.untilShown('weather')
    assert.deepEqual(daemon.supervisor.syncing(), [])
  })

  it('one that hangs is shown as it was', async () => {
    const store = await after(reading('place', 'weather'))
    await using daemon = await live(store, { http: told().source })

    await daemon.untilShown('weather stale')
    assert.match(daemon.supervisor.sources()[0]?.origins[0]?.error ?? '', /not read since the daemon started/)
  })

  it('one that throws, and one that can see nothing at all, lose nothing', async () => {
    const store = await after(reading('one', 'weather'), reading('two', 'maps'))
    const throwing: Source = () => {
      throw new SourceError('is down')
    }
    await using first = await live(store, { http: throwing })
    await first.untilShown('maps stale', 'weather stale')
    await until(() => (first.supervisor.sources()[0]?.restarts ?? 0) > 2)
    assert.equal(first.registry.size(), 2)

    const blind = told()
    await using second = await live(store, { http: blind.source })
    await second.untilShown('maps stale', 'weather stale')
    blind.say(picture(down('whole')))
    await until(() => second.supervisor.sources()[0]?.origins.length === 3)
    assert.deepEqual(second.shown(), ['maps stale', 'weather stale'])
    blind.say(picture(reading('two', 'maps')))
    await second.untilShown('maps')
  })

  it('what was answered before the store could be read is not overwritten', async () => {
    const store = await after(reading('place', 'old'))
    const opening = Promise.withResolvers<Kept>()
    await using daemon = await live(opening.promise, { http: told(picture(reading('place', 'new'))).source })
    await daemon.untilShown('new')

    let read = false
    opening.resolve({ ...store, readings: async () => ((read = true), await store.readings()) })
    await until(() => read)
    await new Promise(setImmediate)
    assert.deepEqual(daemon.shown(), ['new'])
  })

  it('what is being kept while the daemon stops is kept', async () => {
    const store = openMemory({ log: silent })
    const begun = Promise.withResolvers<void>()
    const slow: Kept = {
      readings: store.readings,
      saveReadings: async (...kept) => {
        begun.resolve()
        for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
        await store.saveReadings(...kept)
      },
    }
    {
      await using _ = await live(slow, { http: told(picture(reading('place', 'weather'))).source })
      await begun.promise
    }
    const [kept] = await store.readings()

    assert.equal(kept?.readings.length, 1)
  })

  it('nothing is shown that was read under other settings, or of a kind that is not kept', async () => {
    const store = await after(reading('place', 'weather'))
    for (const more of [{ settings: { other: true } }, { keeps: false }]) {
      let asked = 0
      const counting = { ...store, readings: async () => ((asked += 1), await store.readings()) }
      await using daemon = await live(counting, { http: told().source }, more)
      if (more.keeps !== false) await until(() => asked > 0)
      await new Promise(setImmediate)
      assert.deepEqual(daemon.shown(), [])
    }
  })

  it('what is stored of a source that was removed returns with it', async () => {
    const store = openMemory({ log: silent })
    const place = told(picture(reading('place', 'weather')))
    await using daemon = await live(store, { http: place.source })
    await daemon.untilShown('weather')

    await daemon.supervisor.apply([])
    assert.deepEqual(daemon.shown(), [])
    await daemon.supervisor.apply(daemon.plans)

    await daemon.untilShown('weather stale')
  })

  it('an emptied place is not shown as it was before', async () => {
    const store = await after(reading('place', 'weather'))
    {
      await using emptied = await live(store, { http: told(picture({ origin: 'place', entries: [] })).source })
      await until(() => emptied.supervisor.syncing().length === 0)
    }
    const [kept] = await store.readings()

    assert.deepEqual(kept?.readings, [])
  })

  describe('five minutes after the first answer', () => {
    const restored = [reading('one', 'weather'), reading('two', 'maps')]

    it('what fails ever since stays', async (test) => {
      const place = told()
      await using daemon = await live(await after(...restored), { http: place.source })
      await daemon.untilShown('maps stale', 'weather stale')

      await letPass(test, () => place.say(picture(reading('one', 'weather'), down('two'))))

      assert.deepEqual(daemon.shown(), ['maps stale', 'weather'])
    })

    it('what was not heard of is gone, does not fail any more, and does not come back', async (test) => {
      const store = await after(...restored)
      const heard: Sighting = { type: 'change', readings: [reading('one', 'weather')], gone: [] }
      {
        const place = told()
        await using daemon = await live(store, { http: place.source })
        await daemon.untilShown('maps stale', 'weather stale')

        await letPass(test, () => place.say(heard))

        assert.deepEqual(daemon.shown(), ['weather'])
        assert.equal(daemon.supervisor.sources()[0]?.state, 'synced')
      }
      await using daemon = await live(store, { http: told().source })
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

  it('secrets come back as they were, and a command is trusted no more than before', async () => {
    const headers = { Authorization: 'Bearer hunter2' }
    const store = openMemory({ log: silent })
    const entries = [entry({ name: 'remote', headers }), entry({ name: 'local', url: undefined, command: 'python' })]
    const trusting = { trust: { stdio: () => true, questionsShrinks: false } }
    {
      await using first = await live(store, { http: told(picture({ origin: 'place', entries })).source }, trusting)
      await first.untilShown('local', 'remote')
    }
    await using daemon = await live(store, { http: told().source })

    await daemon.untilShown('remote stale')
    assert.deepEqual(daemon.registry.get('default/remote')?.server.headers, headers)
  })

  it('a store that is down hurts nobody', async () => {
    const broken: Kept = {
      readings: () => Promise.reject(new Error('down')),
      saveReadings: () => Promise.reject(new Error('down')),
    }
    await using daemon = await live(broken, { http: told(picture(reading('place', 'weather'))).source })

    await daemon.untilShown('weather')
  })
})
