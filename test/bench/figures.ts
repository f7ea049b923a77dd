import type { Measured } from './row.ts'

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** The value below which `part` of all lie. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0
}

/** A figure as people read it: three digits that mean something. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

/** Something that was measured, and how many bytes each answer had where it was answers. */
export type Figure = { readonly rate: number; readonly bytesEach?: number }

/** Measures two things in turn, A B A B …, and compares each pair, so that a machine whose speed drifts is fair to both. */
export async function ratioOf(
  rounds: number,
  ours: () => Promise<Figure>,
  theirs: () => Promise<Figure>,
): Promise<Measured> {
  const pairs: [number, number][] = []
  sameBytes(await ours(), await theirs())
  for (let round = 0; round < rounds; round += 1) {
    const [a, b] = [await ours(), await theirs()]
    sameBytes(a, b)
    pairs.push([a.rate, b.rate])
  }
  const ratios = pairs.map(([a, b]) => a / b)
  return {
    value: median(ratios),
    unit: 'ratio',
    detail: {
      ours: Math.round(median(pairs.map(([a]) => a))),
      theirs: Math.round(median(pairs.map(([, b]) => b))),
      least: rounded(Math.min(...ratios)),
      most: rounded(Math.max(...ratios)),
    },
  }
}

/** Two that were to send the same bytes, and did not, cannot be compared. */
function sameBytes({ bytesEach: one }: Figure, { bytesEach: other }: Figure): void {
  if (one === undefined || other === undefined || Math.abs(one - other) <= 0.02 * other) return
  throw new Error(`answers of ${one.toFixed(0)} bytes are compared to answers of ${other.toFixed(0)}`)
}
