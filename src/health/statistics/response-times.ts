/**
 * Response times in one byte each: steps of 5 % from 0.1 ms to 24 s and more; 0 stands for none.
 *
 * A distribution is kept as two codes, of its median and its 95th percentile, and is taken as log-normal through both where several
 * of them are added up.
 */

const shortestMs = 0.1
const step = Math.log(1.05)
/** Number of codes. */
export const timeCodes = 256

/** Tenths of a normal distribution, in units of the distance from its median to its 95th percentile; both are met exactly. */
const parts = [-1, -0.63, -0.41, -0.234, 0, 0, 0.234, 0.41, 0.63, 1] as const

export type Percentiles = { readonly p50: number; readonly p95: number }

function boundedCode(code: number): number {
  return Math.min(timeCodes - 1, Math.max(1, Math.round(code)))
}

export function timeCode(ms: number): number {
  return boundedCode(1 + Math.log(Math.max(ms, shortestMs) / shortestMs) / step)
}

/** The response time of a code in milliseconds, with three significant digits. */
export function timeOfCode(code: number): number {
  return Number((shortestMs * Math.exp((code - 1) * step)).toPrecision(3))
}

/** Adds `weight` probes with these percentiles to a histogram by code, which begins at `offset`. */
export function addPercentiles(histogram: Float64Array, p50: number, p95: number, weight: number, offset = 0): void {
  if (weight <= 2 || p50 === p95) {
    // Two samples are their own percentiles.
    histogram[offset + p50]! += weight / 2
    histogram[offset + p95]! += weight / 2
    return
  }
  for (const part of parts) {
    histogram[offset + boundedCode(p50 + part * (p95 - p50))]! += weight / parts.length
  }
}

/** The percentiles of a histogram, as codes; undefined for an empty one. */
export function percentilesOf(histogram: Float64Array): Percentiles | undefined {
  let total = 0
  for (let code = 0; code < timeCodes; code += 1) total += histogram[code]!
  if (total === 0) return undefined
  return { p50: codeAt(histogram, total * 0.5), p95: codeAt(histogram, total * 0.95) }
}

function codeAt(histogram: Float64Array, rank: number): number {
  let sum = 0
  for (let code = 0; code < timeCodes; code += 1) {
    sum += histogram[code]!
    // Sums of tenths are not exact.
    if (sum > 0 && sum >= rank - 1e-6) return code
  }
  return timeCodes - 1
}
