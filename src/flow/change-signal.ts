/** Those who wait until something has changed: each for so long at most, and no longer than its signal lets it. */
export function createChangeSignal() {
  const waiting = new Set<() => void>()

  /** Milliseconds; undefined: until something changes. */
  function wait(signal: AbortSignal, ms?: number): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(go, ms)
      function go(): void {
        clearTimeout(timer)
        waiting.delete(go)
        signal.removeEventListener('abort', go)
        resolve()
      }
      waiting.add(go)
      signal.addEventListener('abort', go)
    })
  }

  function changed(): void {
    for (const go of waiting) go()
  }

  return { wait, changed }
}
