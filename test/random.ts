/** Repeatable random choices. The seed comes from `TEST_SEED`; `label` names it in failure messages. */
export function createRandom(seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32))) {
  let state = seed >>> 0

  /** mulberry32. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const below = (max: number) => Math.floor(next() * max)
  const chance = (probability: number) => next() < probability
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T
  const some = <T>(from: readonly T[]): T[] => from.filter(() => chance(0.4))

  return { label: `TEST_SEED=${seed}`, below, chance, pick, some, next }
}
