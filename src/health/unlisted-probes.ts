import { mapConcurrent } from '../flow/map-concurrent.ts'
import type { Reach } from '../model/change.ts'
import type { ServerDefinition } from '../model/server.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { HealthConfig } from './config.ts'
import { createUrlProbe } from './probes/probe-kinds.ts'
import type { ProbeOutcome } from './probes/probe.ts'

/** Probes in flight of one request. */
const maxConcurrency = 4
/** Requests that are probed for at once. */
const maxRequests = 4

/**
 * Probes servers that no source shows, within the rules and the deadline of all probes. Nothing is kept of an outcome, and a command
 * is never run. Undefined where too many are asked for at once.
 */
export function createUnlistedProbes({ http, config }: { http: HttpClient; config: () => HealthConfig }) {
  const probeUrl = createUrlProbe({ http })
  let running = 0

  return async (
    servers: readonly ServerDefinition[],
    { reach, signal }: { readonly reach: Reach; readonly signal: AbortSignal },
  ): Promise<readonly ProbeOutcome[] | undefined> => {
    if (running >= maxRequests) return undefined
    running += 1
    try {
      const { timeout, allow, deny } = config()
      const limits = { timeoutMs: timeout * 1000, deny, ...(allow ? { allow } : {}), learn: true, signal }
      return await mapConcurrent(servers, maxConcurrency, (server) => probeUrl({ server, reach }, limits))
    } finally {
      running -= 1
    }
  }
}
export type UnlistedProbes = ReturnType<typeof createUnlistedProbes>
