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
export type SelfReportedStatus = 'healthy' | 'degraded' | 'unhealthy' | 'offline'

/** The lease of an agent. Only `leases` writes to it. */
export type Lease = {
  readonly id: string
  /** Grows with every heartbeat and every change of status. */
  version: number
  terms: LeaseTerms
  status: LeaseStatus
  selfReportedStatus: SelfReportedStatus
  hasHeartbeat: boolean
  /** It has had a heartbeat, and its silence is below the timeout. */
  isRunning: boolean
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
export type LeaseTransition = {
  readonly lease: Lease
  readonly status: LeaseStatus | 'forgotten'
  /** The silence after which that happens, in ms. */
  readonly silentMs: number
}

type LeaseFacts = Pick<Lease, 'hasHeartbeat' | 'selfReportedStatus' | 'terms'>

/** The status after `silentMs` without a heartbeat; `forgotten` after `retentionMs` of silence. */
export function leaseStatus(lease: LeaseFacts, silentMs: number, retentionMs: number): LeaseStatus | 'forgotten' {
  const { hasHeartbeat, selfReportedStatus } = lease
  const { eviction } = lease.terms
  if (silentMs >= Math.max(retentionMs, eviction)) return 'forgotten'
  if (silentMs >= eviction) return 'offline'
  if (!hasHeartbeat) return 'pending'
  return runsAfter(lease, silentMs) || selfReportedStatus === 'offline' ? selfReportedStatus : 'unhealthy'
}

/** Whether a lease still runs after `silentMs` without a heartbeat. */
export function runsAfter({ hasHeartbeat, terms }: Pick<Lease, 'hasHeartbeat' | 'terms'>, silentMs: number): boolean {
  return hasHeartbeat && silentMs < terms.timeout
}

/** Whether the agent fell silent for too long: then only a registration or heartbeat with a body revives it. */
export function isLapsed({ isRunning, status }: Pick<Lease, 'isRunning' | 'status'>): boolean {
  return !isRunning && status !== 'pending'
}

/** The silence, in ms, after which the status changes next. */
export function nextTransition(
  { status, isRunning, terms }: Pick<Lease, 'status' | 'isRunning' | 'terms'>,
  retentionMs: number,
): number {
  if (isRunning) return terms.timeout
  return status === 'offline' ? Math.max(retentionMs, terms.eviction) : terms.eviction
}

/** The status as reported to the registry. */
export function reportOf(lease: Pick<Lease, 'status' | 'isRunning'>): ReportedHealth {
  const { status } = lease
  return isLapsed(lease) ? { status, reason: 'lease_lapsed' } : { status }
}
