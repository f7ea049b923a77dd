import { createDeadlineQueue } from '../../flow/deadline-queue.ts'
import { createSelfPreservation, type SelfPreservationRules } from '../../flow/self-preservation.ts'
import type { LeaseClock } from './lease-clock.ts'
import { type LeaseStatus, leaseStatus, type LeaseTerms, nextTransition } from './lease.ts'

/** One lease as it runs. Only `leases` writes to it. */
export type Lease = {
  readonly id: string
  /** Grows with every heartbeat and every turn of its status. */
  moves: number
  terms: LeaseTerms
  status: LeaseStatus
  /** What the agent last called itself. */
  said: 'healthy' | 'degraded'
  beaten: boolean
  /** Whether another replica ever heard it. */
  afar: boolean
  /** Lease time from which its silence counts: its last heartbeat, or the grace it was given. */
  from: number
  /** Its last heartbeat by the wall clock, in ms; for people only. */
  lastBeat: number | undefined
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
  deaf = () => false,
}: {
  clock: Pick<LeaseClock, 'now'>
  rules: () => SelfPreservationRules
  /** How long whoever is silent is kept; `retain` changes it. */
  retentionMs: number
  wall?: () => number
  /** Whether what other replicas hear cannot be known now. */
  deaf?: () => boolean
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
    lease.moves += 1
    if (isLiving(status)) living += 1
  }

  function arm(lease: Lease): void {
    deadlines.set(lease, lease.from + nextTransition(lease.status, lease.terms, retention))
  }

  function statusAfter({ beaten, said, terms }: Lease, silentMs: number): LeaseStatus | 'forgotten' {
    return leaseStatus({ beaten, said, silentMs }, terms, retention)
  }

  /** Begins a lease, or goes on with it under new terms. `silentMs`: how long it has not been heard already. */
  function open(
    id: string,
    terms: LeaseTerms,
    heard: { beaten: boolean; said?: Lease['said']; silentMs?: number; lastBeat?: number },
  ): Lease {
    const from = clock.now() - (heard.silentMs ?? 0)
    const known = leases.get(id)
    const lease: Lease = known ?? {
      id,
      moves: 0,
      terms,
      status: 'pending',
      said: 'healthy',
      beaten: false,
      afar: false,
      from,
      lastBeat: undefined,
    }
    leases.set(id, lease)
    preserved.letGo(lease)
    lease.terms = terms
    lease.from = from
    lease.beaten ||= heard.beaten
    if (heard.said) lease.said = heard.said
    if (heard.beaten) lease.lastBeat = heard.lastBeat ?? wall()
    const status = statusAfter(lease, heard.silentMs ?? 0)
    enter(lease, status === 'forgotten' ? 'offline' : status)
    arm(lease)
    return lease
  }

  /** A heartbeat; with `silentMs` one that another replica heard so long ago. Whether it changed the status, or undefined where there is no such lease. */
  function beat(
    id: string,
    said: Lease['said'] = 'healthy',
    silentMs?: number,
  ): { lease: Lease; changed: boolean } | undefined {
    const lease = leases.get(id)
    if (!lease) return undefined
    const afar = silentMs !== undefined
    const from = clock.now() - (silentMs ?? 0)
    const before = lease.status
    if (afar && lease.beaten && isKnown(lease, from, said)) return { lease, changed: false }
    lease.from = from
    lease.beaten = true
    lease.afar ||= afar
    lease.said = said
    lease.lastBeat = wall() - (silentMs ?? 0)
    lease.moves += 1
    preserved.letGo(lease)
    if (before !== said) enter(lease, said)
    deadlines.set(lease, from + lease.terms.timeout)
    return { lease, changed: before !== said }
  }

  /** What another replica heard is no news where it is old: told again, the same heartbeat is measured a little later. */
  function isKnown(lease: Lease, from: number, said: Lease['said']): boolean {
    const saysMore = isLiving(lease.status) && said !== lease.said
    const slack = saysMore ? 0 : Math.min(1000, lease.terms.timeout / 6)
    return from < lease.from + slack
  }

  /** Goes on with a lease under other terms; what is due sooner by them is armed so. */
  function renew(id: string, terms: LeaseTerms): Lease | undefined {
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
  function settle(): readonly LeaseTransition[] {
    const now = clock.now()
    if (preserved.isOver(now)) release()
    const next = deadlines.next()
    if (next === undefined || next > now) return none
    const due = deadlines.takeDue(now)
    const lapsing = due.filter((lease) => isLiving(lease.status) && !mayBeHeardElsewhere(lease))
    if (preserved.holds(due, { lapsing, living, now })) return none
    return due.flatMap((lease) => turn(lease, now) ?? [])
  }

  function mayBeHeardElsewhere(lease: Lease): boolean {
    return lease.afar && isLiving(lease.status) && deaf()
  }

  function turn(lease: Lease, now: number): LeaseTransition | undefined {
    if (mayBeHeardElsewhere(lease)) {
      lease.from = now
      arm(lease)
      return undefined
    }
    const status = statusAfter(lease, now - lease.from)
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
  function retain(ms: number): void {
    if (ms === retention) return
    retention = ms
    for (const lease of leases.values()) if (lease.status === 'offline' && !preserved.has(lease)) arm(lease)
  }

  /** Ends the self-preservation: who is held lapses at the next `settle`. */
  function release(): void {
    for (const lease of preserved.release()) deadlines.set(lease, 0)
  }

  /** Gives every living lease a full interval more: nobody could be heard meanwhile. */
  function grace(): void {
    const now = clock.now()
    for (const lease of leases.values()) {
      if (lease.status === 'unhealthy' || lease.status === 'offline') continue
      lease.from = Math.max(lease.from, now)
      arm(lease)
    }
  }

  return {
    open,
    beat,
    renew,
    close,
    settle,
    release,
    grace,
    retain,
    preservation: () => preserved.shown(clock.now()),
    get: (id: string) => leases.get(id),
    size: () => leases.size,
  }
}

const none: readonly LeaseTransition[] = []
