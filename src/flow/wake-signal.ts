import type { WakeSignal } from '../model/source.ts'

/** Notifies all current waiters of a change; each wait ends at the latest with its timeout or its signal. */
export function createChangeSignal() {
  const waiters = new Set<() => void>()

  /** Resolves at the next `notify`, after `ms` (if given) or when `signal` aborts. */
  function wait(signal: AbortSignal, ms?: number): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(wakeUp, ms)
      function wakeUp(): void {
        clearTimeout(timer)
        waiters.delete(wakeUp)
        signal.removeEventListener('abort', wakeUp)
        resolve()
      }
      waiters.add(wakeUp)
      signal.addEventListener('abort', wakeUp)
    })
  }

  function notify(): void {
    for (const wakeUp of waiters) wakeUp()
  }

  return { wait, notify }
}

/** A sticky wake-up flag: it stays raised until taken. */
export function createWakeSignal({
  signal,
  onTake,
}: {
  signal: AbortSignal
  onTake?: () => void
}): WakeSignal & { raise: () => void; wait: (ms?: number, until?: AbortSignal) => Promise<void> } {
  let raised = false
  const change = createChangeSignal()

  function raise(): void {
    raised = true
    change.notify()
  }

  function take(): void {
    raised = false
    onTake?.()
  }

  async function wait(ms?: number, until = signal): Promise<void> {
    if (!raised) await change.wait(until, ms)
  }

  return { raise, raised: () => raised, take, wait }
}

/** A wake signal raised by `wake` or by its own `raise`; taking it takes both. */
export function joinWakeSignals({
  wake,
  signal,
}: {
  wake: WakeSignal
  signal: AbortSignal
}): WakeSignal & { raise: () => void } {
  const joined = createWakeSignal({ signal, onTake: wake.take })
  let listening = false

  // One waiter at a time: otherwise each `take` would leave another waiter behind.
  async function listen(): Promise<void> {
    if (listening) return
    listening = true
    await wake.wait()
    listening = false
    if (signal.aborted) return
    if (wake.raised()) joined.raise()
    else void listen()
  }

  function take(): void {
    joined.take()
    void listen()
  }

  void listen()
  return { ...joined, take }
}
