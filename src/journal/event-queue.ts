import type { NewEvent } from '../stores/event.ts'
import { StoreUnavailable } from '../stores/store.ts'
import type { CoalescedEvent, TimedEvent } from './coalescer.ts'
import { type EncodedEvent, encodeEvent } from './event-encoding.ts'

/** Maximum events and characters of one write. */
const maxBatch = { events: 500, size: 1024 * 1024 } as const
/** Maximum characters that wait for the store, about; the oldest events are dropped first. */
const maxQueued = 16 * 1024 * 1024
/** Characters that every event counts beside its body. */
const sizeOfColumns = 500

type QueuedEvent = { readonly encoded: EncodedEvent; readonly at: number; readonly size: number }

/** Encoded events that wait for the store, bounded in their size. */
export function createEventQueue() {
  let queue: QueuedEvent[] = []
  let size = 0
  let inFlight = 0
  let dropped = 0

  function add({ event, at, ...rest }: TimedEvent | CoalescedEvent): void {
    const encoded = encodeEvent(event, 'coalesced' in rest ? rest.coalesced : 0)
    const queued = { encoded, at, size: encoded.body.length + sizeOfColumns }
    queue.push(queued)
    size += queued.size
    dropOldest()
  }

  /** Drops a tenth at once: the queue is copied each time. */
  function dropOldest(): void {
    if (size <= maxQueued) return
    let surplus = 0
    for (; size > 0.9 * maxQueued && surplus < queue.length - 1; surplus += 1) size -= queue[surplus]!.size
    dropped += surplus
    if (surplus > 0) queue = queue.slice(surplus)
  }

  /** Writes the oldest events; returns how many. They stay where the store is unavailable, and are dropped where it rejects them. */
  async function writeBatch(write: (events: readonly NewEvent[]) => Promise<void>, now: () => number): Promise<number> {
    const batch = takeBatch()
    inFlight = batch.length
    try {
      const time = now()
      await write(batch.map(({ encoded, at }) => ({ ...encoded, age_ms: Math.max(0, time - at) })))
      return batch.length
    } catch (error) {
      if (error instanceof StoreUnavailable) putBack(batch)
      else dropped += batch.length
      throw error
    } finally {
      inFlight = 0
    }
  }

  function takeBatch(): QueuedEvent[] {
    let count = 0
    let batchSize = 0
    while (count < Math.min(queue.length, maxBatch.events) && batchSize < maxBatch.size) {
      batchSize += queue[count]!.size
      count += 1
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    size -= batchSize
    return batch
  }

  function putBack(batch: readonly QueuedEvent[]): void {
    queue = [...batch, ...queue]
    for (const one of batch) size += one.size
    dropOldest()
  }

  return { add, writeBatch, size: () => queue.length + inFlight, dropped: () => dropped }
}
