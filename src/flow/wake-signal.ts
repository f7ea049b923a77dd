import type { WakeSignal } from '../model/source.ts'
import { createChangeSignal } from './change-signal.ts'

/** A wish that stays raised until taken, together with the ear of the one who raised it. */
export function createWakeSignal({
  signal,
  onTake,
}: {
  signal: AbortSignal
  onTake?: () => void
}): WakeSignal & { raise: () => void; wait: (ms?: number, until?: AbortSignal) => Promise<void> } {
  let raised = false
  const waiting = createChangeSignal()

  function raise(): void {
    raised = true
    waiting.changed()
  }

  function take(): void {
    raised = false
    onTake?.()
  }

  async function wait(ms?: number, until = signal): Promise<void> {
    if (!raised) await waiting.wait(until, ms)
  }

  return { raise, raised: () => raised, take, wait }
}

/** A wake that is raised when `wake` is, and can be raised for reasons of one's own as well; taking it takes both. */
export function joinWakeSignals({
  wake,
  signal,
}: {
  wake: WakeSignal
  signal: AbortSignal
}): WakeSignal & { raise: () => void } {
  const own = createWakeSignal({ signal, onTake: wake.take })
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
