import { createDeadlineQueue } from '../../flow/deadline-queue.ts'
import { createSelfPreservation, type SelfPreservationRules } from '../../flow/self-preservation.ts'
import type { LeaseClock } from './lease-clock.ts'
import { type LeaseStatus, leaseStatus, type LeaseTerms, nextTransition } from './lease.ts'

/** One lease as it runs. Only `leases` writes to it. */
export type Lease = {
  readonly id: string
  /** Grows with every heartbeat and every turn of its status. */
  version: number
  terms: LeaseTerms
  status: LeaseStatus
  /** What the agent last called itself. */
  selfReportedStatus: 'healthy' | 'degraded'
  hasHeartbeat: boolean
  /** Whether another replica ever heard it. */
  seenByReplica: boolean
  /** Lease time from which its silence counts: its last heartbeat, or the grace it was given. */
  silentSince: number
  /** Its last heartbeat by the wall clock, in ms; for people only. */
  lastHeartbeatAt: number | undefined
}

/** What time has made of a lease. */
export type LeaseTransition = { readonly lease: Lease; readonly status: LeaseStatus | 'forgotten' }

export type Leases = ReturnType<typeof createLeases>

/**
 * Keeps leases alive by heartbeats, and says what silence makes of them.
 *
 * `settle` is called before every read, so nobody sees a lease that has lapsed as alive. When more than `ratio` of at
 * least `least` living leases lapse within one timeout, nothing lapses any more (self-preservation), until half of them
 * are heard again, `mostMs` have passed, or somebody releases them. While `deaf`, who beats at other replicas too does not lapse.
 */
export function createLeases({
  clock,
  rules,
  retentionMs,
  wall = Date.now,
  isPartitioned = () => false,
}: {
  clock: Pick<LeaseClock, 'now'>
  rules: () => SelfPreservationRules
  /** How long whoever is silent is kept; `retain` changes it. */
  retentionMs: number
  wall?: () => number
  /** Whether what other replicas hear cannot be known now. */
  isPartitioned?: () => boolean
}) {
  const leases = new Map<string, Lease>()
  const deadlines = createDeadlineQueue<Lease>()
  const preserved = createSelfPreservation<Lease>({ rules, wall })
  let living = 0
  let retention = retentionMs

  const isLiving = (status: LeaseStatus) => status === 'healthy' || status === 'degraded'

  function enter(lease: Lease, status: LeaseStatus): void {
    if (isLiving(lease.status)) living -= 1
    lease.status = status
    lease.version += 1
    if (isLiving(status)) living += 1
  }

  function arm(lease: Lease): void {
    deadlines.set(lease, lease.silentSince + nextTransition(lease.status, lease.terms, retention))
  }

  function statusAfter(
    { hasHeartbeat, selfReportedStatus, terms }: Lease,
    silentMs: number,
  ): LeaseStatus | 'forgotten' {
    return leaseStatus({ hasHeartbeat, selfReportedStatus, silentMs }, terms, retention)
  }

  /** Begins a lease, or goes on with it under new terms. `silentMs`: how long it has not been heard already. */
  function open(
    id: string,
    terms: LeaseTerms,
    heard: {
      hasHeartbeat: boolean
      selfReportedStatus?: Lease['selfReportedStatus']
      silentMs?: number
      lastHeartbeatAt?: number
    },
  ): Lease {
    const silentSince = clock.now() - (heard.silentMs ?? 0)
    const known = leases.get(id)
    const lease: Lease = known ?? {
      id,
      version: 0,
      terms,
      status: 'pending',
      selfReportedStatus: 'healthy',
      hasHeartbeat: false,
      seenByReplica: false,
      silentSince,
      lastHeartbeatAt: undefined,
    }
    leases.set(id, lease)
    preserved.letGo(lease)
    lease.terms = terms
    lease.silentSince = silentSince
    lease.hasHeartbeat ||= heard.hasHeartbeat
    if (heard.selfReportedStatus) lease.selfReportedStatus = heard.selfReportedStatus
    if (heard.hasHeartbeat) lease.lastHeartbeatAt = heard.lastHeartbeatAt ?? wall()
    const status = statusAfter(lease, heard.silentMs ?? 0)
    enter(lease, status === 'forgotten' ? 'offline' : status)
    arm(lease)
    return lease
  }

  /** A heartbeat; with `silentMs` one that another replica heard so long ago. Whether it changed the status, or undefined where there is no such lease. */
  function recordHeartbeat(
    id: string,
    selfReportedStatus: Lease['selfReportedStatus'] = 'healthy',
    silentMs?: number,
  ): { lease: Lease; changed: boolean } | undefined {
    const lease = leases.get(id)
    if (!lease) return undefined
    const seenByReplica = silentMs !== undefined
    const silentSince = clock.now() - (silentMs ?? 0)
    const before = lease.status
    if (seenByReplica && lease.hasHeartbeat && isKnown(lease, silentSince, selfReportedStatus))
      return { lease, changed: false }
    lease.silentSince = silentSince
    lease.hasHeartbeat = true
    lease.seenByReplica ||= seenByReplica
    lease.selfReportedStatus = selfReportedStatus
    lease.lastHeartbeatAt = wall() - (silentMs ?? 0)
    lease.version += 1
    preserved.letGo(lease)
    if (before !== selfReportedStatus) enter(lease, selfReportedStatus)
    deadlines.set(lease, silentSince + lease.terms.timeout)
    return { lease, changed: before !== selfReportedStatus }
  }

  /** What another replica heard is no news where it is old: told again, the same heartbeat is measured a little later. */
  function isKnown(lease: Lease, silentSince: number, selfReportedStatus: Lease['selfReportedStatus']): boolean {
    const saysMore = isLiving(lease.status) && selfReportedStatus !== lease.selfReportedStatus
    const slack = saysMore ? 0 : Math.min(1000, lease.terms.timeout / 6)
    return silentSince < lease.silentSince + slack
  }

  /** Goes on with a lease under other terms; what is due sooner by them is armed so. */
  function changeTerms(id: string, terms: LeaseTerms): Lease | undefined {
    const lease = leases.get(id)
    if (!lease) return undefined
    lease.terms = terms
    if (!preserved.has(lease)) arm(lease)
    return lease
  }

  function close(id: string): void {
    const lease = leases.get(id)
    if (!lease) return
    leases.delete(id)
    preserved.letGo(lease)
    deadlines.delete(lease)
    if (isLiving(lease.status)) living -= 1
  }

  /** Every lease that time has changed since the last call. */
  function applyExpirations(): readonly LeaseTransition[] {
    const now = clock.now()
    if (preserved.isOver(now)) endSelfPreservation()
    const next = deadlines.next()
    if (next === undefined || next > now) return none
    const due = deadlines.takeDue(now)
    const lapsing = due.filter((lease) => isLiving(lease.status) && !mayBeHeardElsewhere(lease))
    if (preserved.holds(due, { lapsing, living, now })) return none
    return due.flatMap((lease) => turn(lease, now) ?? [])
  }

  function mayBeHeardElsewhere(lease: Lease): boolean {
    return lease.seenByReplica && isLiving(lease.status) && isPartitioned()
  }

  function turn(lease: Lease, now: number): LeaseTransition | undefined {
    if (mayBeHeardElsewhere(lease)) {
      lease.silentSince = now
      arm(lease)
      return undefined
    }
    const status = statusAfter(lease, now - lease.silentSince)
    if (status === 'forgotten') {
      close(lease.id)
      return { lease, status }
    }
    const changed = status !== lease.status
    enter(lease, status)
    arm(lease)
    return changed ? { lease, status } : undefined
  }

  /** Keeps whoever is silent for another time from now on, and whoever is so already. */
  function setRetention(ms: number): void {
    if (ms === retention) return
    retention = ms
    for (const lease of leases.values()) if (lease.status === 'offline' && !preserved.has(lease)) arm(lease)
  }

  /** Ends the self-preservation: who is held lapses at the next `settle`. */
  function endSelfPreservation(): void {
    for (const lease of preserved.release()) deadlines.set(lease, 0)
  }

  /** Gives every living lease a full interval more: nobody could be heard meanwhile. */
  function extendAll(): void {
    const now = clock.now()
    for (const lease of leases.values()) {
      if (lease.status === 'unhealthy' || lease.status === 'offline') continue
      lease.silentSince = Math.max(lease.silentSince, now)
      arm(lease)
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
    selfPreservation: () => preserved.shown(clock.now()),
    get: (id: string) => leases.get(id),
    size: () => leases.size,
  }
}

const none: readonly LeaseTransition[] = []
