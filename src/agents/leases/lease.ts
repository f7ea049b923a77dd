import type { ReportedHealth } from '../../model/health.ts'

/** How long an agent may be silent, in ms since its last heartbeat. */
export type LeaseTerms = {
  /** From then on it is unhealthy. */
  readonly timeout: number
  /** From then on it is offline. */
  readonly eviction: number
}

/** `pending`: registered, but no heartbeat yet. */
export type LeaseStatus = 'pending' | 'healthy' | 'degraded' | 'unhealthy' | 'offline'

/** The status that an agent reports of itself; every other counts as healthy. */
export type SelfReportedStatus = 'healthy' | 'degraded'

/** A running lease. Only `leases` writes to it. */
export type Lease = {
  readonly id: string
  /** Grows with every heartbeat and every change of status. */
  version: number
  terms: LeaseTerms
  status: LeaseStatus
  selfReportedStatus: SelfReportedStatus
  hasHeartbeat: boolean
  /** Another replica has received a heartbeat of it. */
  seenByReplica: boolean
  /** Lease time from which its silence counts: the last heartbeat, or the end of a grace period. */
  silentSince: number
  /** Wall-clock time of the last heartbeat, in ms; only for display. */
  lastHeartbeatAt: number | undefined
}

/** The heartbeats of an agent before its lease is opened. */
export type HeartbeatHistory = {
  readonly hasHeartbeat: boolean
  readonly selfReportedStatus?: SelfReportedStatus
  /** Silence until now, in ms. */
  readonly silentMs?: number
  readonly lastHeartbeatAt?: number
}

/** A change of status by the passage of time. */
export type LeaseTransition = { readonly lease: Lease; readonly status: LeaseStatus | 'forgotten' }

/** The status after `silentMs` without a heartbeat; `forgotten` after `retentionMs` of silence. */
export function leaseStatus(
  { hasHeartbeat, selfReportedStatus, terms }: Pick<Lease, 'hasHeartbeat' | 'selfReportedStatus' | 'terms'>,
  silentMs: number,
  retentionMs: number,
): LeaseStatus | 'forgotten' {
  const { timeout, eviction } = terms
  if (silentMs >= Math.max(retentionMs, eviction)) return 'forgotten'
  if (silentMs >= eviction) return 'offline'
  if (!hasHeartbeat) return 'pending'
  return silentMs >= timeout ? 'unhealthy' : selfReportedStatus
}

/** The silence, in ms, after which the status changes next. */
export function nextTransition(status: LeaseStatus, { timeout, eviction }: LeaseTerms, retentionMs: number): number {
  if (status === 'offline') return Math.max(retentionMs, eviction)
  if (status === 'unhealthy' || status === 'pending') return eviction
  return timeout
}

/** The status as reported to the registry. */
export function reportOf(status: LeaseStatus): ReportedHealth {
  return status === 'unhealthy' || status === 'offline' ? { status, reason: 'lease_lapsed' } : { status }
}
