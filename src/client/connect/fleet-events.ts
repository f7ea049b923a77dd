import type { ServerId } from '../../model/identity.ts'

export type ServerEventType =
  | 'connected'
  | 'lost'
  | 'reconnecting'
  | 'error'
  | 'disconnected'
  | 'tools_changed'
  | 'circuit_open'
  | 'circuit_half_open'
  | 'circuit_closed'
  | 'credentials_withheld'
  | 'credentials_missing'

/** What happened, without secrets. `at` is RFC 3339. */
export type FleetEvent =
  | { readonly type: ServerEventType; readonly server: ServerId; readonly reason: string; readonly at: string }
  | { readonly type: 'roster_lost' | 'roster_back'; readonly reason: string; readonly at: string }
  /** This reader was too slow: its oldest events are lost. */
  | { readonly type: 'dropped'; readonly count: number; readonly at: string }

/** An event without its time, as parts of the fleet emit it. */
export type EmittedEvent =
  | { readonly type: ServerEventType; readonly server: ServerId; readonly reason: string }
  | { readonly type: 'roster_lost' | 'roster_back'; readonly reason: string }

/** Delivers events to readers, each with a bounded queue of its own. */
export function createFleetEvents({ maxQueued = 1000 } = {}) {
  const readers = new Set<ReturnType<typeof createReader>>()
  let isClosed = false

  function emit(event: EmittedEvent): void {
    const stamped = { ...event, at: new Date().toISOString() }
    for (const reader of readers) reader.push(stamped)
  }

  /** Yields every event from now on, until the fleet closes, the signal aborts or the loop is left. */
  function events({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<FleetEvent, void> {
    const reader = createReader(maxQueued)
    readers.add(reader)
    const leave = () => {
      readers.delete(reader)
      signal?.removeEventListener('abort', leave)
      reader.end()
    }
    signal?.addEventListener('abort', leave, { once: true })
    if (signal?.aborted || isClosed) leave()
    return iterate(reader, leave)
  }

  function close(): void {
    isClosed = true
    for (const reader of readers) reader.end()
    readers.clear()
  }

  return { emit, events, close }
}

function createReader(maxQueued: number) {
  let queue: FleetEvent[] = []
  let dropped = 0
  let isEnded = false
  let wake: () => void = () => undefined

  function push(event: FleetEvent): void {
    queue.push(event)
    if (queue.length > maxQueued) dropped += queue.splice(0, queue.length - maxQueued).length
    wake()
  }

  function take(): FleetEvent[] {
    const taken: FleetEvent[] =
      dropped > 0 ? [{ type: 'dropped', count: dropped, at: new Date().toISOString() }, ...queue] : queue
    queue = []
    dropped = 0
    return taken
  }

  function end(): void {
    isEnded = true
    wake()
  }

  const wait = () =>
    queue.length > 0 || isEnded ? Promise.resolve() : new Promise<void>((resolve) => void (wake = resolve))

  return { push, take, end, wait, isEnded: () => isEnded && queue.length === 0 }
}

/** A generator would begin only at the first read; the queue has begun already. A reader that is never read stays bounded. */
async function* iterate(reader: ReturnType<typeof createReader>, leave: () => void): AsyncGenerator<FleetEvent, void> {
  try {
    while (!reader.isEnded()) {
      await reader.wait()
      yield* reader.take()
    }
  } finally {
    leave()
  }
}
