import { isNewer } from '../store.ts'

export type OwnWrites = ReturnType<typeof createOwnWrites>

/** Rows of versions; more come together only where nobody looks for news. */
const most = 10_000

/** Remembers which versions one wrote oneself, so that they are not told as news. Versions of one batch are a row. */
export function createOwnWrites() {
  let ranges: { readonly first: bigint; last: bigint }[] = []

  function add(first: string, last: string): void {
    const [from, to] = [BigInt(first), BigInt(last)]
    const before = ranges.at(-1)
    if (before && before.last + 1n === from) before.last = to
    else ranges.push({ first: from, last: to })
    if (ranges.length > most) ranges = ranges.slice(-most / 2)
  }

  function has(version: string): boolean {
    const wanted = BigInt(version)
    return ranges.some(({ first, last }) => first <= wanted && wanted <= last)
  }

  /** What the follower has passed is no longer asked for. */
  function forgetBefore(version: string): void {
    ranges = ranges.filter(({ last }) => isNewer(String(last), version))
  }

  return { add, has, forgetBefore }
}
