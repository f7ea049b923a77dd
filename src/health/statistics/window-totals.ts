import { addPercentiles, percentilesOf, timeCodes, timeOfCode } from './response-times.ts'
import {
  advanceRings,
  type FailureReason,
  failureReasonAt,
  ringLayouts,
  type Rings,
  ringSlots,
  sealRings,
  type WindowName,
} from './rings.ts'

/** What a number of probes showed. */
export type ProbeTotals = {
  readonly probes: number
  /** Share of the probes that succeeded, from 0 to 1; null without probes. */
  readonly availability: number | null
  /** Failed probes by reason. */
  readonly errors: Readonly<Partial<Record<FailureReason, number>>>
  /** Median and 95th percentile of the response times of successful probes, in ms, within 5 %; null where none was measured. */
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  /** Changes of the status. */
  readonly flaps: number
}

/** One bucket of a chart; `at` is its begin, RFC 3339. */
export type StatisticsBucket = { readonly at: string } & ProbeTotals

export type WindowStatistics = ProbeTotals & {
  readonly bucket_seconds: number
  /** Oldest first, one for each part of the window; the last is still growing. */
  readonly buckets: readonly StatisticsBucket[]
}

/** Counts of one server over a window. */
export type ProbeCount = { ok: number; failed: number; flaps: number }

/** Adds up the buckets of one window, of one server or of several, as of a minute since 1970. */
export function createWindowTotals(name: WindowName, minute: number) {
  const { minutes, buckets, first } = ringLayouts[name]
  const oldest = Math.floor(minute / minutes) - buckets + 1
  const ok = new Float64Array(buckets)
  const flaps = new Float64Array(buckets)
  /** By position of the reason. */
  const failures = new Map<number, Float64Array>()
  const histograms = new Float64Array(buckets * timeCodes)

  /** Adds the buckets of a server; returns its counts. */
  function add(rings: Rings): ProbeCount {
    advanceRings(rings, minute)
    sealRings(rings)
    const { codes } = rings
    for (let at = 0; at < buckets; at += 1) {
      const slot = first + ((oldest + at) % buckets)
      const p50 = codes[slot]!
      if (p50 > 0) addPercentiles(histograms, p50, codes[ringSlots + slot]!, rings.ok[slot]!, at * timeCodes)
    }
    const counted = { ok: addCounts(ok, rings.ok), failed: 0, flaps: rings.flaps ? addCounts(flaps, rings.flaps) : 0 }
    for (const [reason, counts] of rings.failures ?? []) {
      let into = failures.get(reason)
      if (!into) failures.set(reason, (into = new Float64Array(buckets)))
      counted.failed += addCounts(into, counts)
    }
    return counted
  }

  function addCounts(into: Float64Array, counts: Uint16Array | Uint8Array): number {
    let sum = 0
    for (let at = 0; at < buckets; at += 1) {
      const count = counts[first + ((oldest + at) % buckets)]!
      into[at]! += count
      sum += count
    }
    return sum
  }

  /** The totals of the buckets from one to before another. */
  function between(from: number, to: number): ProbeTotals {
    const sum = (counts: Float64Array) => counts.subarray(from, to).reduce((total, count) => total + count, 0)
    const errors = [...failures].map(([reason, counts]) => [failureReasonAt(reason), sum(counts)] as const)
    const succeeded = sum(ok)
    const probes = errors.reduce((total, [, count]) => total + count, succeeded)
    const histogram = new Float64Array(timeCodes)
    for (let at = from * timeCodes; at < to * timeCodes; at += 1) histogram[at % timeCodes]! += histograms[at]!
    const percentiles = percentilesOf(histogram)
    return {
      probes,
      availability: probes === 0 ? null : Math.round((succeeded / probes) * 1e6) / 1e6,
      errors: Object.fromEntries(errors.filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a)),
      p50_ms: percentiles ? timeOfCode(percentiles.p50) : null,
      p95_ms: percentiles ? timeOfCode(percentiles.p95) : null,
      flaps: sum(flaps),
    }
  }

  const total = () => between(0, buckets)

  return {
    add,
    total,
    view: (): WindowStatistics => ({
      ...total(),
      bucket_seconds: minutes * 60,
      buckets: Array.from({ length: buckets }, (_, at) => ({
        at: new Date((oldest + at) * minutes * 60_000).toISOString(),
        ...between(at, at + 1),
      })),
    }),
  }
}
