import type { Wake } from '../model/source.ts'

/** A wish that stays raised until taken, together with the ear of the one who raised it. */
export function createWake({
  signal,
  onTake,
}: {
  signal: AbortSignal
  onTake?: () => void
}): Wake & { raise: () => void } {
  let raised = false
  const waiting = new Set<() => void>()

  function raise(): void {
    raised = true
    for (const go of waiting) go()
  }

  function take(): void {
    raised = false
    onTake?.()
  }

  function wait(ms?: number): Promise<void> {
    if (raised || signal.aborted) return Promise.resolve()
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

  return { raise, raised: () => raised, take, wait }
}
