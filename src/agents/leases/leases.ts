import { createDeadlineQueue } from '../../flow/deadline-queue.ts'
import {
  createSelfPreservation,
  type SelfPreservation,
  type SelfPreservationRules,
} from '../../flow/self-preservation.ts'
import type { LeaseClock } from './lease-clock.ts'
import {
  type HeartbeatHistory,
  isLapsed,
  type Lease,
  type LeaseStatus,
  leaseStatus,
  type LeaseTerms,
  type LeaseTransition,
  nextTransition,
  runsAfter,
  type SelfReportedStatus,
} from './lease.ts'

/** Until an agent that was silent beyond the retention is reported again, in ms. */
const retireRetryMs = 30_000

export type Leases = ReturnType<typeof createLeases>

/**
 * Keeps leases alive by heartbeats, and changes their status after silence.
 *
 * Every read calls `applyExpirations` first, so no reader sees an expired lease as alive. When more than `ratio` of at
 * least `minSubjects` living leases expire within one timeout, self-preservation begins and no lease expires. It ends when
 * half of them send heartbeats again, after `maxMs`, or by `endSelfPreservation`. While `isPartitioned`, leases that
 * other replicas have seen do not expire.
 */
export function createLeases({
  clock,
  rules,
  retentionMs,
  wall = Date.now,
  isPartitioned = () => false,
  onSelfPreservation = () => {},
}: {
  clock: Pick<LeaseClock, 'now'>
  rules: () => SelfPreservationRules
  /** Silence after which an agent is forgotten; `setRetention` changes it. */
  retentionMs: number
  wall?: () => number
  /** Whether the heartbeats at other replicas are unknown at present. */
  isPartitioned?: () => boolean
  /** Called when self-preservation begins, with its state, and when it ends. */
  onSelfPreservation?: (state: SelfPreservation | undefined) => void
}) {
  const leases = new Map<string, Lease>()
  const deadlines = createDeadlineQueue<Lease>()
  const preservation = createSelfPreservation<Lease>({ rules, now: clock.now, wall, endShare: 0.5 })
  /** Leases that were due during self-preservation; they expire when it ends. */
  const held = new Set<Lease>()
  let runningCount = 0
  let retention = retentionMs

  function setStatus(lease: Lease, status: LeaseStatus, isRunning: boolean): void {
    if (lease.isRunning) runningCount -= 1
    if (isRunning) runningCount += 1
    lease.status = status
    lease.isRunning = isRunning
    lease.version += 1
  }

  function setDeadline(lease: Lease): void {
    deadlines.set(lease, lease.silentSince + nextTransition(lease, retention))
  }

  /** Opens a lease, or continues it under new terms and a new history. */
  function open(id: string, terms: LeaseTerms, history: HeartbeatHistory): Lease {
    const silentMs = history.silentMs ?? 0
    const silentSince = clock.now() - silentMs
    const lease: Lease = leases.get(id) ?? {
      id,
      version: 0,
      terms,
      status: 'pending',
      selfReportedStatus: 'healthy',
      hasHeartbeat: false,
      isRunning: false,
      seenByReplica: false,
      silentSince,
      lastHeartbeatAt: undefined,
    }
    leases.set(id, lease)
    recover(lease)
    lease.terms = terms
    lease.silentSince = silentSince
    lease.hasHeartbeat ||= history.hasHeartbeat
    if (history.selfReportedStatus) lease.selfReportedStatus = history.selfReportedStatus
    if (history.hasHeartbeat) lease.lastHeartbeatAt = history.lastHeartbeatAt ?? wall()
    const status = leaseStatus(lease, silentMs, retention)
    setStatus(lease, status === 'forgotten' ? 'offline' : status, runsAfter(lease, silentMs))
    setDeadline(lease)
    return lease
  }

  /** Ends the hold of a lease. Called with every heartbeat, mostly without effect. */
  function recover(lease: Lease): void {
    if (held.size > 0) held.delete(lease)
    preservation.recover(lease)
  }

  /**
   * Renews a lease; undefined for an unknown id. `changed`: whether the status changed. With `silentMs` the heartbeat
   * is one that another replica received that long ago.
   */
  function recordHeartbeat(
    id: string,
    selfReportedStatus: SelfReportedStatus = 'healthy',
    silentMs?: number,
  ): { lease: Lease; changed: boolean } | undefined {
    const lease = leases.get(id)
    if (!lease) return undefined
    const isFromReplica = silentMs !== undefined
    const silentSince = clock.now() - (silentMs ?? 0)
    if (isFromReplica && lease.hasHeartbeat && isOutdated(lease, silentSince, selfReportedStatus))
      return { lease, changed: false }
    lease.silentSince = silentSince
    lease.hasHeartbeat = true
    lease.seenByReplica ||= isFromReplica
    lease.selfReportedStatus = selfReportedStatus
    lease.lastHeartbeatAt = wall() - (silentMs ?? 0)
    lease.version += 1
    recover(lease)
    const changed = !lease.isRunning || lease.status !== selfReportedStatus
    if (changed) setStatus(lease, selfReportedStatus, true)
    deadlines.set(lease, silentSince + lease.terms.timeout)
    return { lease, changed }
  }

  /** Whether a replica's heartbeat is older than the last one. The same heartbeat reported twice differs by a little. */
  function isOutdated(lease: Lease, silentSince: number, selfReportedStatus: SelfReportedStatus): boolean {
    const hasNewStatus = lease.isRunning && selfReportedStatus !== lease.selfReportedStatus
    const toleranceMs = hasNewStatus ? 0 : Math.min(1000, lease.terms.timeout / 6)
    return silentSince < lease.silentSince + toleranceMs
  }

  /** Continues a lease under other terms; shorter terms make its deadline earlier. */
  function changeTerms(id: string, terms: LeaseTerms): Lease | undefined {
    const lease = leases.get(id)
    if (!lease) return undefined
    lease.terms = terms
    if (!held.has(lease)) setDeadline(lease)
    return lease
  }

  function close(id: string): void {
    const lease = leases.get(id)
    if (!lease) return
    leases.delete(id)
    recover(lease)
    deadlines.delete(lease)
    if (lease.isRunning) runningCount -= 1
    lease.isRunning = false
  }

  /** Applies the passage of time; returns the transitions since the last call. */
  function applyExpirations(): readonly LeaseTransition[] {
    if (preservation.isOver()) endSelfPreservation()
    const next = deadlines.next()
    // Every read comes here: without leases it need not look at the clock, which costs as much as the rest of a short request.
    if (next === undefined) return none
    const now = clock.now()
    if (next > now) return none
    const due = deadlines.takeDue(now)
    const lapsing = due.filter((lease) => lease.isRunning && !mayLiveElsewhere(lease))
    const windowMs = lapsing.reduce((max, { terms }) => Math.max(max, terms.timeout), 0)
    const wasPreserving = preservation.isActive()
    if (preservation.fail(lapsing, { healthy: runningCount - lapsing.length, windowMs })) {
      for (const lease of due) held.add(lease)
      if (!wasPreserving) onSelfPreservation(preservation.status())
      return none
    }
    return due.flatMap((lease) => expire(lease, now) ?? [])
  }

  function mayLiveElsewhere(lease: Lease): boolean {
    return lease.seenByReplica && lease.isRunning && isPartitioned()
  }

  function expire(lease: Lease, now: number): LeaseTransition | undefined {
    if (mayLiveElsewhere(lease)) {
      lease.silentSince = now
      setDeadline(lease)
      return undefined
    }
    const silentMs = now - lease.silentSince
    const status = leaseStatus(lease, silentMs, retention)
    if (status === 'forgotten') {
      setStatus(lease, 'offline', false)
      // The store may know better, or may be down: the lease stays until its agent is removed.
      deadlines.set(lease, now + retireRetryMs)
      return { lease, status, silentMs: Math.max(retention, lease.terms.eviction) }
    }
    const isRunning = runsAfter(lease, silentMs)
    const changed = status !== lease.status || isRunning !== lease.isRunning
    setStatus(lease, status, isRunning)
    setDeadline(lease)
    return changed ? { lease, status, silentMs } : undefined
  }

  /** Changes the retention, also of the leases that are offline already. */
  function setRetention(ms: number): void {
    if (ms === retention) return
    retention = ms
    for (const lease of leases.values()) if (isLapsed(lease) && !held.has(lease)) setDeadline(lease)
  }

  /** Ends self-preservation: the leases it holds expire at the next `applyExpirations`. */
  function endSelfPreservation(): void {
    if (!preservation.isActive()) return
    preservation.end()
    onSelfPreservation(undefined)
    for (const lease of held) deadlines.set(lease, 0)
    held.clear()
  }

  /** Gives every lease that has not lapsed a full interval from now on, after a time in which no heartbeat could arrive. */
  function extendAll(): void {
    const now = clock.now()
    for (const lease of leases.values()) {
      if (isLapsed(lease)) continue
      lease.silentSince = Math.max(lease.silentSince, now)
      setDeadline(lease)
    }
  }

  return {
    open,
    recordHeartbeat,
    changeTerms,
    close,
    applyExpirations,
    endSelfPreservation,
    extendAll,
    setRetention,
    selfPreservation: preservation.status,
    get: (id: string) => leases.get(id),
    size: () => leases.size,
  }
}

const none: readonly LeaseTransition[] = []
