import * as z from 'zod'

/** The status of a server. `unknown`: neither a probe nor a source can tell. */
export const Status = z.enum(['pending', 'healthy', 'degraded', 'unhealthy', 'offline', 'unknown'])
export type Status = z.output<typeof Status>

/** Why a server has its status. Statistics are stored by position: a further reason goes to the end. */
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
  'command_failed',
])
export type Reason = z.output<typeof Reason>

/** The result of one probe. `ok` and `auth_required` both mean alive. */
export type ProbeResult = {
  readonly ok: boolean
  readonly reason: Reason
  readonly response_time_ms: number
  readonly protocol_version?: string
}

/** The versioned verdict on a server. Holds nothing that changes with every probe. */
export type Health = {
  readonly status: Status
  readonly since: string
  readonly reason?: Reason
  readonly protocol_version?: string
}

/** What the source reports of a server's health: from a lease, or from the endpoints of a Service. */
export type ReportedHealth = { readonly status: Status; readonly reason?: Reason; readonly since?: string }

const severity: Record<Status, number> = { unknown: -1, healthy: 0, pending: 1, degraded: 2, unhealthy: 3, offline: 4 }

/** The worse of two verdicts; `unknown` yields to any other. */
export function worseOf<T extends { readonly status: Status }>(one: T, other: T | undefined): T {
  if (!other) return one
  return severity[other.status] > severity[one.status] ? other : one
}
