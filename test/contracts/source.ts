import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Sighting, Source } from '../../src/model/source.ts'
import { type Followed, follow } from '../source-follower.ts'

/** A place with servers, real or on loopback, and a source that watches it. */
export type WatchedPlace = {
  readonly source: Source
  /** Makes the place list exactly these servers. */
  readonly publish?: (names: readonly string[]) => void | Promise<void>
  /** Makes the place unreadable. */
  readonly break?: () => void | Promise<void>
  /** Makes the place readable again, with its last servers. */
  readonly heal?: () => void | Promise<void>
  readonly close?: () => void | Promise<void>
}

type Suite = {
  readonly name: string
  /** Opens a place that lists these servers, by name. */
  readonly open: (names: readonly string[]) => WatchedPlace | Promise<WatchedPlace>
  /** What this kind of place cannot do, with the reason; the tests that need it are left out. */
  readonly unsupported?: { readonly publish?: string; readonly break?: string }
  /** Whether the source sees changes without a refresh; otherwise each step requests one. */
  readonly watches?: boolean
  /** Maximum duration of one step. */
  readonly timeoutMs?: number
}

/** Replaces `it` for a test that needs something unsupported. */
const leaveOut = (() => Promise.resolve()) as unknown as typeof it

/** Tests the contract of `Source` at a real place. */
export function keepsTheSourceContract({
  name,
  open,
  unsupported = {},
  watches = false,
  timeoutMs = 5000,
}: Suite): void {
  const itWithPublish: typeof it = unsupported.publish === undefined ? it : leaveOut
  const itWithBreak: typeof it = unsupported.publish === undefined && unsupported.break === undefined ? it : leaveOut

  /** Runs one test at a new place. Requests a refresh after each step if the source does not watch. */
  async function at(names: readonly string[], test: (place: Place) => Promise<void>): Promise<void> {
    const place = await open(names)
    const seen = follow(place.source, { timeoutMs })
    const refreshIfNeeded = () => (watches ? undefined : seen.raise())
    const step = (verb: 'break' | 'heal') => async () => {
      assert.ok(place[verb], `the place of ${name} lacks ${verb}()`)
      await place[verb]()
      refreshIfNeeded()
    }
    async function publish(next: readonly string[]): Promise<void> {
      assert.ok(place.publish, `the place of ${name} lacks publish()`)
      await place.publish(next)
      refreshIfNeeded()
    }
    try {
      await test({ seen, source: place.source, publish, break: step('break'), heal: step('heal') })
    } finally {
      await seen.end()
      await place.close?.()
    }
  }

  describe(`the contract of the source ${name}`, () => {
    it('begins with a picture of everything', () =>
      at(['storm', 'weather'], async ({ seen }) => {
        await seen.untilNames('storm', 'weather')
        const first = seen.sightings.find(({ type }) => type !== 'alive')
        assert.equal(first?.type, 'picture')
      }))

    it('yields readings with an origin, and with entries or an error', () =>
      at(['storm', 'weather'], async ({ seen }) => {
        await seen.untilNames('storm', 'weather')
        for (const { reading, entries } of seen.origins.values()) {
          assert.ok(reading.origin.length > 0)
          for (const entry of entries) assert.ok('value' in entry || 'problem' in entry || 'definition' in entry)
        }
      }))

    itWithPublish('shows added and removed servers', () =>
      at(['storm', 'weather'], async ({ seen, publish }) => {
        await seen.untilNames('storm', 'weather')
        await publish(['weather', 'tides'])
        await seen.untilNames('tides', 'weather')
      }),
    )

    itWithPublish('treats an empty place as an answer', () =>
      at(['weather'], async ({ seen, publish }) => {
        await seen.untilNames('weather')
        await publish([])
        await seen.until('no server is left', () => seen.names().length === 0)
        assert.deepEqual(errorsOf(seen), [])
      }),
    )

    itWithPublish('answers a refresh without a change if nothing has changed', () =>
      at(['storm', 'weather'], async ({ seen }) => {
        await seen.untilNames('storm', 'weather')
        await seen.refresh()
        const before = contentOf(seen)
        const sighting = await seen.refresh()
        assert.deepEqual(contentOf(seen), before)
        assert.ok(!hasGone(sighting), 'an origin is gone though nothing has changed')
      }),
    )

    itWithPublish('keeps equal content when it is published again', () =>
      at(['storm', 'weather'], async ({ seen, publish }) => {
        await seen.untilNames('storm', 'weather')
        const before = contentOf(seen)
        await publish(['storm', 'weather'])
        await seen.refresh()
        assert.deepEqual(contentOf(seen), before)
      }),
    )

    itWithBreak('keeps the servers of a place that fails, reports the error, and heals', () =>
      at(['storm', 'weather'], async ({ seen, publish, break: breakPlace, heal }) => {
        await seen.untilNames('storm', 'weather')
        await breakPlace()
        await seen.until('an error is shown', () => errorsOf(seen).length > 0)
        assert.deepEqual(seen.names(), ['storm', 'weather'])
        await heal()
        await publish(['weather', 'tides'])
        await seen.until('the error is gone', () => errorsOf(seen).length === 0)
        await seen.untilNames('tides', 'weather')
      }),
    )

    itWithBreak('starts at a place that fails, and shows its servers once it heals', async () => {
      const place = await open(['weather'])
      await place.break?.()
      const seen = follow(place.source, { timeoutMs })
      try {
        await seen.until('an error is shown', () => errorsOf(seen).length > 0)
        await place.heal?.()
        if (!watches) seen.raise()
        await seen.untilNames('weather')
      } finally {
        await seen.end()
        await place.close?.()
      }
    })

    it('ends within 2 s of its abort, idle or busy, and releases everything', async () => {
      const place = await open(['weather'])
      try {
        const before = activeResources()
        const early = follow(place.source, { timeoutMs })
        assert.ok((await early.end()) < 2000, 'a busy source took more than 2 s to stop')
        const seen = follow(place.source, { timeoutMs })
        await seen.untilNames('weather')
        assert.ok((await seen.end()) < 2000, 'an idle source took more than 2 s to stop')
        assert.equal(seen.state(), 'ended', `the source failed: ${String(seen.failure())}`)
        await until('everything is released', () => activeResources() <= before)
      } finally {
        await place.close?.()
      }
    })

    it('can run again, with a complete picture first', () =>
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

/** The content of the origins as data, ordered by origin. */
function contentOf(seen: Followed): unknown {
  return [...seen.origins.values()]
    .map(({ reading, entries }) => ({
      origin: reading.origin,
      values: entries.map((entry) => ('value' in entry ? entry.value : entry)),
    }))
    .toSorted((one, other) => (one.origin < other.origin ? -1 : 1))
}

function hasGone(sighting: Sighting): boolean {
  return sighting.type === 'change' && sighting.gone.length > 0
}

/** Number of active resources of the kinds that a source uses. */
function activeResources(): number {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /FSEvent|FSReqCallback|UDPWrap|StatWatcher|Timeout/.test(kind)).length
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!isSo()) {
    if (performance.now() > deadline)
      assert.fail(`timed out waiting until ${what}: ${process.getActiveResourcesInfo().join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
