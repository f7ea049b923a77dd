import * as z from 'zod'

/** From best to worst, but for `unknown`, which says that nothing can be said. */
export const Status = z.enum(['pending', 'healthy', 'degraded', 'unhealthy', 'offline', 'unknown'])
export type Status = z.output<typeof Status>

export const Reason = z.enum([
  'ok',
  'auth_required',
  'not_mcp',
  'refused',
  'timeout',
  'dns',
  'tls',
  'http_status',
  'protocol',
  'blocked',
  'no_endpoints',
  'lease_lapsed',
  'disabled',
  'not_checkable',
])
export type Reason = z.output<typeof Reason>

/** What one check of a server found. `ok` and `auth_required` mean alive. */
export type ProbeResult = {
  readonly ok: boolean
  readonly reason: Reason
  readonly response_time_ms: number
  readonly protocol_version?: string
}

/** The verdict on a server, as it is versioned: a moment and a reason, nothing that moves with every probe. */
export type Health = {
  readonly status: Status
  readonly since: string
  readonly reason?: Reason
  readonly protocol_version?: string
}

/** What a source itself says of a server: a lease, the endpoints of a Service. */
export type ReportedHealth = { readonly status: Status; readonly reason?: Reason; readonly since?: string }

const severity: Record<Status, number> = { unknown: -1, healthy: 0, pending: 1, degraded: 2, unhealthy: 3, offline: 4 }

/** The worst of what is known; `unknown` does not count beside anything else. */
export function worst<T extends { readonly status: Status }>(one: T, other: T | undefined): T {
  if (!other) return one
  return severity[other.status] > severity[one.status] ? other : one
}
