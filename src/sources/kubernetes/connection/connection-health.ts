import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { KubeTuning } from '../tuning.ts'
import { KubeApiError } from './kube-api-error.ts'
import type { KubeClient } from './kube-client.ts'
import type { RequestLimiter } from './request-limiter.ts'

/**
 * Checks the API server periodically. Drops all connections when it does not respond, and reports credentials that it rejects:
 * open watches go on without them until they are renewed, minutes later.
 *
 * A quiet watch and a dead connection look the same, and bookmarks come only about once a minute. Over HTTP/2 the check uses
 * the connection that the watches share. Ends with the signal and never rejects.
 */
export async function monitorConnection({
  client,
  limiter,
  tuning,
  signal,
  onCredentials,
}: {
  client: Pick<KubeClient, 'get' | 'reset' | 'refreshCredentials'>
  limiter: Pick<RequestLimiter, 'failures'>
  tuning: Pick<KubeTuning, 'healthCheckMs' | 'healthCheckTimeoutMs'>
  signal: AbortSignal
  /** The error of rejected credentials; undefined once they are accepted. */
  onCredentials: (error: KubeApiError | undefined) => void
}): Promise<void> {
  const timer = createWakeSignal({ signal })
  while (!signal.aborted) {
    await timer.wait(tuning.healthCheckMs)
    if (signal.aborted || limiter.failures() > 0) continue
    const error = await check()
    if (signal.aborted) return
    if (error === undefined || isUnauthorized(error)) onCredentials(error)
    else if (!hasResponded(error)) client.reset()
  }

  /** The error of a check. Cached credentials are refreshed before their rejection counts. */
  async function check(): Promise<unknown> {
    const error = await getVersion()
    if (!isUnauthorized(error)) return error
    client.refreshCredentials()
    return await getVersion()
  }

  async function getVersion(): Promise<unknown> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(tuning.healthCheckTimeoutMs)])
    try {
      await client.get('/version', {}, 'get the version', within)
      return undefined
    } catch (error) {
      return error
    }
  }
}

const isUnauthorized = (error: unknown): error is KubeApiError =>
  error instanceof KubeApiError && error.kind === 'unauthorized'

/** An error status is a response as well. */
const hasResponded = (error: unknown) => error instanceof KubeApiError && error.status !== undefined
