import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { Tuning } from '../tuning.ts'
import { KubeApiError } from './kube-api-error.ts'
import type { KubeClient } from './kube-client.ts'
import type { RequestLimiter } from './request-limiter.ts'

/**
 * Asks the API server again and again whether it is there, and drops all connections when it does not answer.
 *
 * A quiet watch and a dead connection look the same, and bookmarks come only about once a minute. Over HTTP/2 the question
 * goes through the very connection that the watches share. It ends with the signal and never rejects.
 */
export async function monitorConnection({
  client,
  gate,
  habits,
  signal,
}: {
  client: Pick<KubeClient, 'get' | 'reset'>
  gate: Pick<RequestLimiter, 'failures'>
  habits: Tuning
  signal: AbortSignal
}): Promise<void> {
  const clock = createWakeSignal({ signal })
  while (!signal.aborted) {
    await clock.wait(habits.healthCheckMs)
    if (signal.aborted || gate.failures() > 0) continue
    try {
      await client.get(
        '/version',
        {},
        'ask for the version',
        AbortSignal.any([signal, AbortSignal.timeout(habits.healthCheckTimeoutMs)]),
      )
    } catch (error) {
      // Any answer is one, a refusal too.
      const answered = error instanceof KubeApiError && error.status !== undefined
      if (!answered && !signal.aborted) client.reset()
    }
  }
}
