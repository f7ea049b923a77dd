import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { KubeTuning } from '../tuning.ts'
import { KubeApiError } from './kube-api-error.ts'
import type { KubeClient } from './kube-client.ts'
import type { RequestLimiter } from './request-limiter.ts'

/**
 * Checks the API server periodically, and drops all connections when it does not respond.
 *
 * A quiet watch and a dead connection look the same, and bookmarks come only about once a minute. Over HTTP/2 the check uses
 * the connection that the watches share. Ends with the signal and never rejects.
 */
export async function monitorConnection({
  client,
  limiter,
  tuning,
  signal,
}: {
  client: Pick<KubeClient, 'get' | 'reset'>
  limiter: Pick<RequestLimiter, 'failures'>
  tuning: Pick<KubeTuning, 'healthCheckMs' | 'healthCheckTimeoutMs'>
  signal: AbortSignal
}): Promise<void> {
  const timer = createWakeSignal({ signal })
  while (!signal.aborted) {
    await timer.wait(tuning.healthCheckMs)
    if (signal.aborted || limiter.failures() > 0) continue
    const within = AbortSignal.any([signal, AbortSignal.timeout(tuning.healthCheckTimeoutMs)])
    try {
      await client.get('/version', {}, 'get the version', within)
    } catch (error) {
      // An error status is a response as well.
      const hasResponded = error instanceof KubeApiError && error.status !== undefined
      if (!hasResponded && !signal.aborted) client.reset()
    }
  }
}
