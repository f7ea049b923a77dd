import { type ReceivedHeartbeat, type StoredHeartbeat, StoreUnavailable } from '../store.ts'

const mostBeats = 250_000
const perWrite = 500

/**
 * Gathers heartbeats, the latest of each agent, and writes them together: a sixth of the shortest lease after the first
 * of them, five seconds at most. What could not be written stays until it can; ages are counted on.
 */
export function createHeartbeatBuffer({
  write,
  isUp,
  onDrop,
}: {
  write: (beats: readonly StoredHeartbeat[]) => Promise<void>
  isUp: () => boolean
  /** Hears of a failure that is no outage, and of how many beats it cost. */
  onDrop: (error: unknown, count: number) => void
}) {
  const buffered = new Map<string, { readonly heard: number; readonly said: string | undefined }>()
  const counted = { beats: 0, dropped: 0 }
  let timer: NodeJS.Timeout | undefined
  let due = Infinity
  let writing: Promise<void> | undefined
  let underWay = 0

  function add(beats: readonly ReceivedHeartbeat[]): void {
    const now = performance.now()
    for (const { name, age_ms, timeout, self_report: said } of beats) {
      if (buffered.size >= mostBeats && !buffered.has(name)) {
        counted.dropped += 1
        continue
      }
      const heard = now - age_ms
      if (heard < (buffered.get(name)?.heard ?? -Infinity)) continue
      buffered.set(name, { heard, said })
      const within = Math.min(5000, Math.max(100, (timeout * 1000) / 6))
      if (now + within < due) schedule(now + within, now)
    }
  }

  function schedule(at: number, now: number): void {
    due = at
    clearTimeout(timer)
    timer = setTimeout(() => void flush(), at - now)
    timer.unref()
  }

  /** Writes what there is; resolves when nothing more can be written now. */
  async function flush(): Promise<void> {
    clearTimeout(timer)
    due = Infinity
    writing ??= writeAll().finally(() => (writing = undefined))
    await writing
  }

  async function writeAll(): Promise<void> {
    while (buffered.size > 0 && isUp()) {
      const taken = take()
      underWay = taken.length
      try {
        const now = performance.now()
        await write([...taken].map(([name, { heard, said }]) => heardBeat(name, now - heard, said)))
        counted.beats += taken.length
      } catch (error) {
        if (error instanceof StoreUnavailable) putBack(taken)
        else drop(error, taken.length)
        return
      } finally {
        underWay = 0
      }
    }
  }

  function drop(error: unknown, count: number): void {
    counted.dropped += count
    onDrop(error, count)
  }

  function take(): [string, { heard: number; said: string | undefined }][] {
    const taken = buffered.entries().take(perWrite).toArray()
    for (const [name] of taken) buffered.delete(name)
    return taken
  }

  function putBack(taken: ReturnType<typeof take>): void {
    for (const [name, beat] of taken) if (!buffered.has(name)) buffered.set(name, beat)
  }

  function close(): void {
    clearTimeout(timer)
  }

  return { add, flush, close, waiting: () => buffered.size + underWay, counted }
}

function heardBeat(name: string, age_ms: number, said: string | undefined): StoredHeartbeat {
  return said === undefined ? { name, age_ms } : { name, age_ms, self_report: said }
}
