import { type ReceivedHeartbeat, type StoredHeartbeat, StoreUnavailable } from '../store.ts'

/** Agents whose heartbeats are buffered; heartbeats of further agents are dropped. */
const maxBuffered = 250_000
/** Heartbeats in one write. */
const maxPerWrite = 500

type BufferedHeartbeat = { readonly at: number; readonly report: string | undefined }

/**
 * Buffers the latest heartbeat of each agent and writes them together: a sixth of the shortest lease after the first
 * heartbeat, after five seconds at most. While the store is down they stay buffered, and their ages grow.
 */
export function createHeartbeatBuffer({
  write,
  isUp,
  onDrop,
}: {
  write: (heartbeats: readonly StoredHeartbeat[]) => Promise<void>
  isUp: () => boolean
  /** Called for a failure other than an outage, with the number of heartbeats lost. */
  onDrop: (error: unknown, count: number) => void
}) {
  const buffer = new Map<string, BufferedHeartbeat>()
  const counters = { written: 0, dropped: 0 }
  let timer: NodeJS.Timeout | undefined
  let dueAt = Infinity
  let writing: Promise<void> | undefined
  let inFlight = 0

  function add(heartbeats: readonly ReceivedHeartbeat[]): void {
    const now = performance.now()
    for (const { name, age_ms, timeout, self_report: report } of heartbeats) {
      if (buffer.size >= maxBuffered && !buffer.has(name)) {
        counters.dropped += 1
        continue
      }
      const at = now - age_ms
      if (at < (buffer.get(name)?.at ?? -Infinity)) continue
      buffer.set(name, { at, report })
      const delayMs = Math.min(5000, Math.max(100, (timeout * 1000) / 6))
      if (now + delayMs < dueAt) schedule(now + delayMs, now)
    }
  }

  function schedule(at: number, now: number): void {
    dueAt = at
    clearTimeout(timer)
    timer = setTimeout(() => void flush(), at - now)
    timer.unref()
  }

  /** Writes all buffered heartbeats; resolves when nothing more can be written now. */
  async function flush(): Promise<void> {
    clearTimeout(timer)
    dueAt = Infinity
    writing ??= writeAll().finally(() => (writing = undefined))
    await writing
  }

  async function writeAll(): Promise<void> {
    while (buffer.size > 0 && isUp()) {
      const batch = takeBatch()
      inFlight = batch.length
      try {
        const now = performance.now()
        await write(batch.map(([name, { at, report }]) => toStored(name, now - at, report)))
        counters.written += batch.length
      } catch (error) {
        if (error instanceof StoreUnavailable) putBack(batch)
        else drop(error, batch.length)
        return
      } finally {
        inFlight = 0
      }
    }
  }

  function drop(error: unknown, count: number): void {
    counters.dropped += count
    onDrop(error, count)
  }

  function takeBatch(): [string, BufferedHeartbeat][] {
    const batch = buffer.entries().take(maxPerWrite).toArray()
    for (const [name] of batch) buffer.delete(name)
    return batch
  }

  function putBack(batch: readonly [string, BufferedHeartbeat][]): void {
    for (const [name, heartbeat] of batch) if (!buffer.has(name)) buffer.set(name, heartbeat)
  }

  function close(): void {
    clearTimeout(timer)
  }

  return { add, flush, close, pending: () => buffer.size + inFlight, counters }
}

function toStored(name: string, age_ms: number, report: string | undefined): StoredHeartbeat {
  return report === undefined ? { name, age_ms } : { name, age_ms, self_report: report }
}
