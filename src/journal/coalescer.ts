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
  /** By kind, then by server or dependency, in the order of their begin. */
  const windows = new Map<string, Map<string, Window>>()
  let size = 0

  /** Whether an event is written now. */
  function admits(timed: TimedEvent): boolean {
    const { type } = timed.event
    const kind = kinds[type] ?? type
    let ofKind = windows.get(kind)
    if (!ofKind) windows.set(kind, (ofKind = new Map()))
    const subject = subjectOf(timed.event)
    let window = ofKind.get(subject)
    if (!window) {
      if (size >= maxWindows) return true
      window = { from: timed.at, count: 0, last: undefined }
      ofKind.set(subject, window)
      size += 1
    }
    window.count += 1
    if (window.count <= limit.maxEvents) return true
    window.last = withoutDefinitions(timed)
    return false
  }

  /** Ends the windows that are over at `now`; returns the events that stand for the counted ones. */
  function close(now: number): CoalescedEvent[] {
    return windows
      .values()
      .flatMap((ofKind) => closeKind(ofKind, now))
      .toArray()
  }

  function closeKind(ofKind: Map<string, Window>, now: number): CoalescedEvent[] {
    const ended: CoalescedEvent[] = []
    for (const [subject, { from, count, last }] of ofKind) {
      if (now - from < limit.windowMs) break
      ofKind.delete(subject)
      size -= 1
      if (last) ended.push({ ...last, coalesced: count - limit.maxEvents })
    }
    return ended
  }

  return { admits, close, closeAll: () => close(Infinity) }
}

/** Events whose data is made of whole definitions. */
const ofDefinitions: ReadonlySet<EventType> = new Set(['registered', 'unregistered', 'changed'])

/** Makes the data of an event that is about definitions: until the end of its window it would hold them, also deleted ones. */
function withoutDefinitions({ event, at }: TimedEvent): TimedEvent {
  const data = ofDefinitions.has(event.type) ? event.data?.() : undefined
  return { event: data ? { ...event, data: () => data } : event, at }
}

/** The server, as the id that the registry holds anyway, or what the event is about otherwise. */
function subjectOf({ server, source, slot }: JournalEvent): string {
  const subject = server ?? `source ${source}`
  return slot === undefined ? subject : `${subject} ${slot}`
}
