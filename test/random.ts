/** Random choices that can be repeated: the seed is said in failures, and taken from `TEST_SEED`. */
export function createRandom(seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32))) {
  let state = seed >>> 0

  /** mulberry32. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const below = (most: number) => Math.floor(next() * most)
  const chance = (often: number) => next() < often
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T
  const some = <T>(from: readonly T[]): T[] => from.filter(() => chance(0.4))

  return { said: `TEST_SEED=${seed}`, below, chance, pick, some, next }
}
