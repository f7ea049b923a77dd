import { isNewer } from '../store.ts'

export type OwnWrites = ReturnType<typeof createOwnWrites>

/** Maximum ranges of versions. Only without a follower do more come together; then the older half is dropped. */
const maxRanges = 10_000

/** Remembers the versions that this process wrote, so that it does not read them as changes. One batch is one range. */
export function createOwnWrites() {
  let ranges: { readonly first: bigint; last: bigint }[] = []

  function add(first: string, last: string): void {
    const [from, to] = [BigInt(first), BigInt(last)]
    const previous = ranges.at(-1)
    if (previous && previous.last + 1n === from) previous.last = to
    else ranges.push({ first: from, last: to })
    if (ranges.length > maxRanges) ranges = ranges.slice(-maxRanges / 2)
  }

  function has(version: string): boolean {
    const candidate = BigInt(version)
    return ranges.some(({ first, last }) => first <= candidate && candidate <= last)
  }

  /** Drops versions that the follower has passed. */
  function forgetBefore(version: string): void {
    ranges = ranges.filter(({ last }) => isNewer(String(last), version))
  }

  return { add, has, forgetBefore }
}
