import type { EventType, JournalEvent } from './event.ts'

/** Of each kind, for each server or dependency, at most `maxEvents` are written in `windowMs`, and one for all others. */
const limit = { maxEvents: 5, windowMs: 300_000 } as const
/** Maximum number of servers and kinds that are followed at once. */
const maxWindows = 250_000

/** An event with the time at which it was recorded, in ms of a monotonic clock. */
export type TimedEvent = { readonly event: JournalEvent; readonly at: number }

/** The last event of a window whose other events were not written, and their number. */
export type CoalescedEvent = TimedEvent & { readonly coalesced: number }

type Window = { readonly from: number; count: number; last: TimedEvent | undefined }

/** Types that count together: a server that flaps is alternately `expired` and `recovered`. */
const kinds: Partial<Record<EventType, string>> = {
  expired: 'status',
  recovered: 'status',
  registered: 'presence',
  unregistered: 'presence',
  added: 'presence',
  removed: 'presence',
}

/**
 * Keeps a flapping server from filling the journal.
 *
 * The first events of a kind pass. Further ones within the window are counted; at its end the last of them passes, so that
 * the journal shows how it ended, with their number.
 */
export function createCoalescer() {
  const windows = new Map<string, Window>()

  /** Whether an event is written now. */
  function admits(timed: TimedEvent): boolean {
    const key = keyOf(timed.event)
    let window = windows.get(key)
    if (!window) {
      if (windows.size >= maxWindows) return true
      window = { from: timed.at, count: 0, last: undefined }
      windows.set(key, window)
    }
    window.count += 1
    if (window.count <= limit.maxEvents) return true
    window.last = timed
    return false
  }

  /** Ends the windows that are over at `now`; returns the events that stand for the counted ones. */
  function close(now: number): CoalescedEvent[] {
    const ended: CoalescedEvent[] = []
    for (const [key, { from, count, last }] of windows) {
      // Windows are in the order of their begin.
      if (now - from < limit.windowMs) break
      windows.delete(key)
      if (last) ended.push({ ...last, coalesced: count - limit.maxEvents })
    }
    return ended
  }

  return { admits, close, closeAll: () => close(Infinity) }
}

function keyOf({ type, server, source, slot }: JournalEvent): string {
  return `${kinds[type] ?? type} ${server ?? `source ${source}`} ${slot ?? ''}`
}
