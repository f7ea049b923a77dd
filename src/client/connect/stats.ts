import { movingAverage } from '../../model/balancing/provider.ts'
import type { Connection } from './connection/connection.ts'

/** Durations of the last calls that count for the percentiles. */
const ringSize = 1024
/** Age at which an average says nothing more of a server, in ms. */
const maxAverageAgeMs = 3000

/** Figures of calls: of one server, or of all. Times in ms; absent without a call. */
export type CallStats = {
  readonly calls: number
  /** Calls that brought no result, failed attempts included. */
  readonly errors: number
  /** Attempts after the first of their call. */
  readonly retries: number
  readonly p50_ms?: number
  readonly p95_ms?: number
}

export type FleetStats = CallStats & {
  /** Servers that match the query. */
  readonly servers: number
  readonly connected: number
  /** Connecting or reconnecting. */
  readonly connecting: number
  readonly disconnected: number
  /** Servers whose last attempt to connect failed. */
  readonly failed: number
  readonly tools: number
  readonly by_server: Readonly<Record<string, CallStats & { readonly connected: boolean; readonly tools: number }>>
}

/** Counts calls and keeps the durations of the last ones. */
export function createCallCounter() {
  const ring = new Float64Array(ringSize)
  let measured = 0
  let average: number | undefined
  let averagedAt = 0
  const counts = { calls: 0, errors: 0, retries: 0 }

  function succeeded(ms: number): void {
    counts.calls += 1
    ring[measured % ringSize] = ms
    measured += 1
    average = movingAverage(average, ms)
    averagedAt = performance.now()
  }

  /** The moving average. An old one is none, so that a server that was slow once is tried again. */
  const averageMs = () => (performance.now() - averagedAt < maxAverageAgeMs ? average : undefined)

  function failed(): void {
    counts.calls += 1
    counts.errors += 1
  }

  function snapshot(): CallStats {
    if (measured === 0) return { ...counts }
    const sorted = ring.slice(0, Math.min(measured, ringSize)).toSorted()
    const at = (share: number) => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 100) / 100
    return { ...counts, p50_ms: at(0.5), p95_ms: at(0.95) }
  }

  return { succeeded, failed, retried: () => void (counts.retries += 1), snapshot, averageMs }
}

export type CallCounter = ReturnType<typeof createCallCounter>

/** The figures of a fleet. */
export function summarize(
  connections: readonly Connection[],
  counterOf: (connection: Connection) => CallCounter,
  total: CallCounter,
): FleetStats {
  const countIn = (...states: readonly string[]) => connections.filter((one) => states.includes(one.state())).length
  const each = connections.map((one) => {
    const figures = { ...counterOf(one).snapshot(), connected: one.isConnected(), tools: one.tools.all().size }
    return [one.id, figures] as const
  })
  let tools = 0
  for (const [, figures] of each) tools += figures.tools
  return {
    servers: connections.length,
    connected: countIn('connected'),
    connecting: countIn('connecting', 'reconnecting'),
    disconnected: countIn('disconnected'),
    failed: connections.filter((one) => one.isFailed()).length,
    tools,
    ...total.snapshot(),
    by_server: Object.fromEntries(each),
  }
}
