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

/** A wake that is raised when `wake` is, and can be raised for reasons of one's own as well; taking it takes both. */
export function joinWake({ wake, signal }: { wake: Wake; signal: AbortSignal }): Wake & { raise: () => void } {
  const own = createWake({ signal, onTake: wake.take })
  let listening = false

  // One waiter at a time: each look would leave one more behind otherwise.
  async function listen(): Promise<void> {
    if (listening) return
    listening = true
    await wake.wait()
    listening = false
    if (signal.aborted) return
    if (wake.raised()) own.raise()
    else void listen()
  }

  function take(): void {
    own.take()
    void listen()
  }

  void listen()
  return { ...own, take }
}
