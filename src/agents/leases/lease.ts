import type { ReportedHealth } from '../../model/health.ts'

/** For how long an agent may be silent. Milliseconds since its last heartbeat. */
export type LeaseTerms = {
  /** Then it is unhealthy, */
  readonly timeout: number
  /** then offline. */
  readonly eviction: number
}

export type LeaseStatus = 'pending' | 'healthy' | 'degraded' | 'unhealthy' | 'offline'

/** What an agent's silence makes of it. `pending`: it has registered, but never sent a heartbeat. */
export type Silence = {
  readonly hasHeartbeat: boolean
  readonly selfReportedStatus: 'healthy' | 'degraded'
  readonly silentMs: number
}

/** The status after `silentMs` without a heartbeat; `forgotten` where nobody is kept for longer than `retention` ms of it. */
export function leaseStatus(
  { hasHeartbeat, selfReportedStatus, silentMs }: Silence,
  { timeout, eviction }: LeaseTerms,
  retention: number,
): LeaseStatus | 'forgotten' {
  if (silentMs >= Math.max(retention, eviction)) return 'forgotten'
  if (silentMs >= eviction) return 'offline'
  if (!hasHeartbeat) return 'pending'
  return silentMs >= timeout ? 'unhealthy' : selfReportedStatus
}

/** After how many ms of silence the status changes next. */
export function nextTransition(status: LeaseStatus, { timeout, eviction }: LeaseTerms, retention: number): number {
  if (status === 'offline') return Math.max(retention, eviction)
  if (status === 'unhealthy' || status === 'pending') return eviction
  return timeout
}

/** How a status is told to the registry. */
export function reportOf(status: LeaseStatus): ReportedHealth {
  return status === 'unhealthy' || status === 'offline' ? { status, reason: 'lease_lapsed' } : { status }
}
