/** Delays that double from `firstMs` to `maxMs` with full jitter; `reset` starts over. */
export function createBackoff({ firstMs = 1000, maxMs = 60_000, random = Math.random } = {}) {
  let failures = 0

  /** Milliseconds to wait after another failure: random up to the doubled delay, at least a tenth of `firstMs`. */
  function next(): number {
    const ceiling = Math.min(maxMs, firstMs * 2 ** failures)
    failures = Math.min(failures + 1, 30)
    return Math.max(firstMs / 10, ceiling * random())
  }

  return { next, failures: () => failures, reset: () => void (failures = 0) }
}
