import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Sighting, Source } from '../../src/model/source.ts'
import { type Followed, follow } from '../follow.ts'

/** A place with servers, real or on loopback, and the source that watches it. */
export type WatchedPlace = {
  readonly source: Source
  /** From now on the place lists exactly these servers. */
  readonly publish?: (names: readonly string[]) => void | Promise<void>
  /** From now on the place cannot be read. */
  readonly break?: () => void | Promise<void>
  /** From now on it can be read again, with the servers it listed last. */
  readonly heal?: () => void | Promise<void>
  readonly close?: () => void | Promise<void>
}

type Suite = {
  readonly name: string
  /** Opens a place that lists these servers, by name. */
  readonly open: (names: readonly string[]) => WatchedPlace | Promise<WatchedPlace>
  /** What this kind of place cannot do, and why; these promises are not asked of it. */
  readonly cannot?: { readonly publish?: string; readonly break?: string }
  /** Whether changes are seen without being asked to look; else each step of the suite asks. */
  readonly watches?: boolean
  /** How long one step may take. */
  readonly timeoutMs?: number
}

/** In the place of `it` for a promise that a kind of place has no way to be asked. */
const notAsked = (() => Promise.resolve()) as unknown as typeof it

/** The promises that every source keeps (see `Source`), shown at a real place. */
export function keepsTheSourceContract({ name, open, cannot = {}, watches = false, timeoutMs = 5000 }: Suite): void {
  const itWithPublish: typeof it = cannot.publish === undefined ? it : notAsked
  const itWithBreak: typeof it = cannot.publish === undefined && cannot.break === undefined ? it : notAsked

  /** Runs one test at a fresh place, and asks the source to look after each step if it does not watch. */
  async function at(names: readonly string[], test: (place: Place) => Promise<void>): Promise<void> {
    const place = await open(names)
    const seen = follow(place.source, { timeoutMs })
    const ask = () => (watches ? undefined : seen.raise())
    const step = (verb: 'break' | 'heal') => async () => {
      assert.ok(place[verb], `the place of ${name} lacks ${verb}()`)
      await place[verb]()
      ask()
    }
    async function publish(next: readonly string[]): Promise<void> {
      assert.ok(place.publish, `the place of ${name} lacks publish()`)
      await place.publish(next)
      ask()
    }
    try {
      await test({ seen, source: place.source, publish, break: step('break'), heal: step('heal') })
    } finally {
      await seen.end()
      await place.close?.()
    }
  }

  describe(`the source ${name} keeps the contract:`, () => {
    it('its first sighting is a picture of everything', () =>
      at(['storm', 'weather'], async ({ seen }) => {
        await seen.untilNames('storm', 'weather')
        const first = seen.sightings.find(({ type }) => type !== 'alive')
        assert.equal(first?.type, 'picture')
      }))

    it('every reading names its origin, and holds data or a reason', () =>
      at(['storm', 'weather'], async ({ seen }) => {
        await seen.untilNames('storm', 'weather')
        for (const { reading, entries } of seen.origins.values()) {
          assert.ok(reading.origin.length > 0)
          for (const entry of entries) assert.ok('value' in entry || 'problem' in entry || 'definition' in entry)
        }
      }))

    itWithPublish('shows what came and what went', () =>
      at(['storm', 'weather'], async ({ seen, publish }) => {
        await seen.untilNames('storm', 'weather')
        await publish(['weather', 'tides'])
        await seen.untilNames('tides', 'weather')
      }),
    )

    itWithPublish('takes an empty place for an answer', () =>
      at(['weather'], async ({ seen, publish }) => {
        await seen.untilNames('weather')
        await publish([])
        await seen.until('no server is left', () => seen.names().length === 0)
        assert.deepEqual(errorsOf(seen), [])
      }),
    )

    itWithPublish('answers a wish for a fresh look, and says nothing new where nothing is', () =>
      at(['storm', 'weather'], async ({ seen }) => {
        await seen.untilNames('storm', 'weather')
        await seen.refresh()
        const before = contentOf(seen)
        const sighting = await seen.refresh()
        assert.deepEqual(contentOf(seen), before)
        assert.ok(!speaksOf(sighting, 'gone'), 'something went though nothing did')
      }),
    )

    itWithPublish('lets what is published anew, but the same, be the same', () =>
      at(['storm', 'weather'], async ({ seen, publish }) => {
        await seen.untilNames('storm', 'weather')
        const before = contentOf(seen)
        await publish(['storm', 'weather'])
        await seen.refresh()
        assert.deepEqual(contentOf(seen), before)
      }),
    )

    itWithBreak('keeps the servers of a place that fails, says so, and heals', () =>
      at(['storm', 'weather'], async ({ seen, publish, break: breakPlace, heal }) => {
        await seen.untilNames('storm', 'weather')
        await breakPlace()
        await seen.until('it says that it fails', () => errorsOf(seen).length > 0)
        assert.deepEqual(seen.names(), ['storm', 'weather'])
        await heal()
        await publish(['weather', 'tides'])
        await seen.until('it has healed', () => errorsOf(seen).length === 0)
        await seen.untilNames('tides', 'weather')
      }),
    )

    itWithBreak('starts at a place that fails, and comes to see it', async () => {
      const place = await open(['weather'])
      await place.break?.()
      const seen = follow(place.source, { timeoutMs })
      try {
        await seen.until('it says that it fails', () => errorsOf(seen).length > 0)
        await place.heal?.()
        if (!watches) seen.raise()
        await seen.untilNames('weather')
      } finally {
        await seen.end()
        await place.close?.()
      }
    })

    it('ends soon after it is told to, at rest or at work, and holds nothing', async () => {
      const place = await open(['weather'])
      try {
        const held = heldByTheProcess()
        const early = follow(place.source, { timeoutMs })
        assert.ok((await early.end()) < 2000, 'it took more than 2 s to stop at work')
        const seen = follow(place.source, { timeoutMs })
        await seen.untilNames('weather')
        assert.ok((await seen.end()) < 2000, 'it took more than 2 s to stop at rest')
        assert.equal(seen.state(), 'ended', `it failed: ${String(seen.failure())}`)
        await until('everything is released', () => heldByTheProcess() <= held)
      } finally {
        await place.close?.()
      }
    })

    it('can be run again, with a whole picture first', () =>
      at(['storm', 'weather'], async ({ seen, source }) => {
        await seen.untilNames('storm', 'weather')
        await seen.end()
        await using again = follow(source, { timeoutMs })
        await again.untilNames('storm', 'weather')
      }))
  })
}

type Place = {
  readonly seen: Followed
  readonly source: Source
  readonly publish: (names: readonly string[]) => Promise<void>
  readonly break: () => Promise<void>
  readonly heal: () => Promise<void>
}

function errorsOf(seen: Followed): string[] {
  return [...seen.origins.values()].flatMap(({ error }) => error?.message ?? [])
}

/** What the origins hold, as data: order of origins and of keys left aside by the comparison that uses it. */
function contentOf(seen: Followed): unknown {
  return [...seen.origins.values()]
    .map(({ reading, entries }) => ({
      origin: reading.origin,
      values: entries.map((entry) => ('value' in entry ? entry.value : entry)),
    }))
    .toSorted((one, other) => (one.origin < other.origin ? -1 : 1))
}

function speaksOf(sighting: Sighting, what: 'gone'): boolean {
  return sighting.type === 'change' && sighting[what].length > 0
}

/** How many things keep the process busy that a source could have left behind. */
function heldByTheProcess(): number {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /FSEvent|FSReqCallback|UDPWrap|StatWatcher|Timeout/.test(kind)).length
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!isSo()) {
    if (performance.now() > deadline)
      assert.fail(`waited in vain until ${what}: ${process.getActiveResourcesInfo().join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
