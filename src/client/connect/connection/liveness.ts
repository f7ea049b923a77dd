import { createBackoff } from '../../../flow/backoff.ts'
import { createWakeSignal } from '../../../flow/wake-signal.ts'
import { pause } from '../../roster/cancellation.ts'
import { ExchangeError } from './failure.ts'
import type { Session } from './open-session.ts'

/** Minimum pause between two checks that errors ask for, in ms. */
const minCheckGapMs = 500
/** Time that a stream of notifications must stay open to count as supported, in ms. */
const stableStreamMs = 5000

type Parts = {
  readonly session: Session
  readonly signal: AbortSignal
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly onAlive: () => void
  /** The stream of notifications was closed for a while: some may be missed. */
  readonly onGap: () => void
  readonly onDead: (reason: string) => void
}

/**
 * Watches whether the server of a session is alive: by its stream of notifications where the protocol has one, by a ping after each silence
 * of `intervalMs`, and at once when something looks broken. Ends when `signal` aborts.
 */
export function watchLiveness({ session, signal, intervalMs, timeoutMs, onAlive, onGap, onDead }: Parts) {
  const wake = createWakeSignal({ signal })
  let lastSignAt = performance.now()

  function noteSign(): void {
    lastSignAt = performance.now()
    onAlive()
  }

  async function check(): Promise<void> {
    try {
      await session.ping({ signal, timeoutMs })
      noteSign()
    } catch (error) {
      if (signal.aborted) return
      if (isAlive(error)) noteSign()
      else onDead(error instanceof Error ? error.message : String(error))
    }
  }

  async function pingInSilence(): Promise<void> {
    while (!signal.aborted) {
      const silenceMs = performance.now() - lastSignAt
      if (!wake.raised() && silenceMs < intervalMs) await wake.wait(intervalMs - silenceMs)
      if (signal.aborted) return
      if (!wake.raised() && performance.now() - lastSignAt < intervalMs) continue
      wake.take()
      await check()
      await pause(minCheckGapMs, signal)
    }
  }

  async function keepListening(): Promise<void> {
    const backoff = createBackoff({ firstMs: minCheckGapMs, maxMs: 60_000 })
    while (!signal.aborted) {
      const openedAt = performance.now()
      try {
        await session.listen({ signal, timeoutMs })
      } catch (error) {
        // A server may know no such stream; pings and the age of the list must do.
        if (typeof (error as { code?: unknown }).code === 'number') return
      }
      if (signal.aborted) return
      wake.raise()
      if (performance.now() - openedAt > stableStreamMs) backoff.reset()
      await pause(backoff.next(), signal)
      if (!signal.aborted) onGap()
    }
  }

  void pingInSilence()
  if (session.era === 'modern') void keepListening()
  return { check: wake.raise, noteSign }
}

/** Whether the failed ping shows a server that answers, and a session that can be used. */
function isAlive(error: unknown): boolean {
  if (!(error instanceof ExchangeError)) return false
  const { outcome, status, isSessionLost } = error.failure
  if (isSessionLost || outcome === 'not_sent' || outcome === 'unknown') return false
  return outcome === 'answered' || status === 429 || status === 503
}
