import { setTimeout as pause } from 'node:timers/promises'
import { forEachYielding } from '../flow/cooperative.ts'
import type { Log } from '../log.ts'
import type { EventLimits, EventPage, EventQuery } from '../stores/event.ts'
import { alone, type Duty } from '../stores/member.ts'
import { type Store, StoreUnavailable } from '../stores/store.ts'
import { createCoalescer, type TimedEvent } from './coalescer.ts'
import { createEventQueue } from './event-queue.ts'
import type { JournalEvent } from './event.ts'
import { createJournalTail } from './journal-tail.ts'

/** Time from an event to the write, in ms, in which further ones join it. */
const gatherMs = 500
/** Pause before the next write after one that failed, in ms. */
const retryMs = 2000
/** Maximum time that a read waits for buffered events, and that closing waits for the store, in ms. */
const maxFlushMs = { read: 1000, close: 5000 } as const
/** Interval at which events beyond the limits are removed, in ms, and the number of written events after which it is done in between. */
const prune = { everyMs: 60_000, afterEvents: 5000 } as const

export type JournalSettings = EventLimits & { readonly enabled: boolean }

export type Journal = ReturnType<typeof createJournal>

/**
 * Records events, and stores them in the background: recording costs an object, whatever the store does.
 *
 * While the store is down, events are buffered up to a number of bytes; then the oldest are dropped and counted. Closing
 * writes what is buffered.
 */
export function createJournal({
  opening,
  settings,
  duty = alone,
  log,
  now = performance.now.bind(performance),
}: {
  /** The store while it opens. */
  opening: Promise<Pick<Store, 'appendEvents' | 'events' | 'pruneEvents'>>
  /** Read at every use, so that a reload takes effect. */
  settings: () => JournalSettings
  /** Whether this daemon removes old events. */
  duty?: Duty
  log: Pick<Log, 'error' | 'warn'>
  now?: () => number
}) {
  let recorded: TimedEvent[] = []
  const coalescer = createCoalescer()
  const queue = createEventQueue()
  const counters = { written: 0, coalesced: 0 }
  let encoding = Promise.resolve()
  let writing: Promise<boolean> | undefined
  let timer: NodeJS.Timeout | undefined
  let writtenAtPrune = 0
  let isClosed = false
  const tail = createJournalTail({ newest: async () => (await (await opening).events(noEvents)).newest })
  const pruning = setInterval(() => void pruneNow(), prune.everyMs).unref()

  function record(event: JournalEvent): void {
    if (isClosed || !settings().enabled) return
    recorded.push({ event, at: event.at ?? now() })
    schedule(gatherMs)
  }

  /** Names the caller behind the last event of a server, which was recorded a moment ago. */
  function attribute(server: string, principal: string): void {
    const index = recorded.findLastIndex(({ event }) => event.server === server)
    const last = recorded[index]
    if (last) recorded[index] = { ...last, event: { ...last.event, principal } }
  }

  function schedule(ms: number): void {
    if (isClosed) return
    timer ??= setTimeout(() => void flush(), ms).unref()
  }

  /** Writes what is recorded; resolves when nothing more can be written now. */
  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    await encodeRecorded()
    while (queue.size() > 0 && (await writeAll()));
  }

  /** Goes on while a write hangs, so that what waits is counted, and bounded. */
  function encodeRecorded(): Promise<void> {
    encoding = encoding.then(async () => {
      const events = recorded
      recorded = []
      await forEachYielding(events, (timed) => {
        if (coalescer.admits(timed)) queue.add(timed)
        else counters.coalesced += 1
      })
      for (const last of coalescer.close(now())) queue.add(last)
    })
    return encoding
  }

  /** Writes the queue; false where the store does not take it. */
  function writeAll(): Promise<boolean> {
    writing ??= writeQueue().finally(() => (writing = undefined))
    return writing
  }

  async function writeQueue(): Promise<boolean> {
    try {
      const store = await opening
      while (queue.size() > 0) {
        counters.written += await queue.writeBatch((events) => store.appendEvents(events), now)
        tail.wake()
        if (counters.written - writtenAtPrune >= prune.afterEvents) await pruneNow()
      }
      return true
    } catch (error) {
      // The store reports an outage itself.
      if (!(error instanceof StoreUnavailable)) log.error({ err: error }, 'events not stored')
      schedule(retryMs)
      return false
    }
  }

  /** Removes events beyond the limits, and writes those of windows that are over. */
  async function pruneNow(): Promise<void> {
    writtenAtPrune = counters.written
    try {
      const store = await opening
      const term = duty()
      if (term) await store.pruneEvents(settings(), term)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'old events not removed')
    }
    schedule(gatherMs)
  }

  /** Reads stored events, after everything recorded so far is stored. */
  async function read(query: EventQuery): Promise<EventPage> {
    await Promise.race([flush(), pause(maxFlushMs.read, undefined, { ref: false })])
    return (await opening).events(query)
  }

  /** Reads the events after an id as soon as there are any, after `waitMs` at the latest. */
  async function follow(
    query: EventQuery,
    { waitMs, signal }: { waitMs: number; signal: AbortSignal },
  ): Promise<EventPage> {
    const end = performance.now() + waitMs
    for (let after = query.after; ;) {
      const page = await read({ ...query, after })
      const restMs = end - performance.now()
      if (page.events.length > 0 || restMs <= 0 || signal.aborted || isClosed) return page
      after = page.newest
      await tail.waitBeyond(page.newest, { ms: restMs, signal })
    }
  }

  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    clearTimeout(timer)
    clearInterval(pruning)
    tail.close()
    await encodeRecorded()
    for (const last of coalescer.closeAll()) queue.add(last)
    await Promise.race([flush(), pause(maxFlushMs.close, undefined, { ref: false })])
    clearTimeout(timer)
  }

  return {
    record,
    attribute,
    isEnabled: () => settings().enabled,
    flush,
    read,
    follow,
    /** Since the start; `pending` is what waits for the store now. */
    counts: () => ({ ...counters, dropped: queue.dropped(), pending: recorded.length + queue.size() }),
    [Symbol.asyncDispose]: close,
  }
}

/** Selects nothing: only the bounds are of interest. */
const noEvents: EventQuery = { filter: { namespaces: [] }, limit: 1 }
