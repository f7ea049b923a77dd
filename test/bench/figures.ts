import type { createRandom } from '../random.ts'
import type { Interval, Measured } from './row.ts'

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Quantile: the value below which `part` of all values lie. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0
}

const resamplings = 2000

/** The 90 % interval of the median of `values`, by bootstrap: the medians of as many values drawn again and again from them. */
export function medianInterval(values: readonly number[], { pick }: ReturnType<typeof createRandom>): Interval {
  const medians = Array.from({ length: resamplings }, () => median(values.map(() => pick(values))))
  return { low: quantile(medians, 0.05), high: quantile(medians, 0.95) }
}

/** Formats a figure with three significant digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

/** One measurement, with the bytes per response where there are responses. */
export type Figure = { readonly rate: number; readonly bytesEach?: number }

/**
 * Measures two things in turn (A B B A …) in `slices` of one second and compares the best quarter of each.
 *
 * On a shared machine, the same server handles 13,000 requests in one second and 33,000 in the next. Disturbance only slows things
 * down, so the best of many short measurements show what each can do.
 */
export async function ratioOf(
  slices: number,
  ours: () => Promise<Figure>,
  theirs: () => Promise<Figure>,
): Promise<Measured> {
  const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  sameBytes(await ours(), await theirs())
  for (let slice = 0; slice < slices; slice += 1) {
    const [a, b] =
      slice % 2 ? [await ours(), await theirs()] : ([await theirs(), await ours()].toReversed() as [Figure, Figure])
    sameBytes(a, b)
    rates.ours.push(a.rate)
    rates.theirs.push(b.rate)
  }
  return {
    value: best(rates.ours) / best(rates.theirs),
    unit: 'ratio',
    detail: {
      ours: Math.round(best(rates.ours)),
      theirs: Math.round(best(rates.theirs)),
      of_medians: rounded(median(rates.ours) / median(rates.theirs)),
      slices,
    },
  }
}

/** The mean of the best quarter. */
function best(rates: readonly number[]): number {
  const quarter = rates.toSorted((a, b) => b - a).slice(0, Math.ceil(rates.length / 4))
  return quarter.reduce((sum, rate) => sum + rate, 0) / quarter.length
}

/** Throws where two servers that must send the same bytes did not. */
function sameBytes({ bytesEach: one }: Figure, { bytesEach: other }: Figure): void {
  if (one === undefined || other === undefined || Math.abs(one - other) <= 0.02 * other) return
  throw new Error(`answers of ${one.toFixed(0)} bytes are compared to answers of ${other.toFixed(0)}`)
}
