/** Delays that double from `firstMs` to `mostMs` with full jitter, and start over after `reset`. */
export function createBackoff({ firstMs = 1000, mostMs = 60_000, random = Math.random } = {}) {
  let failures = 0

  /** Milliseconds to wait after one more failure: anything up to the doubled delay, but never less than a tenth of `firstMs`. */
  function next(): number {
    const ceiling = Math.min(mostMs, firstMs * 2 ** failures)
    failures = Math.min(failures + 1, 30)
    return Math.max(firstMs / 10, ceiling * random())
  }

  return { next, failures: () => failures, reset: () => void (failures = 0) }
}
