import type { ProbeTarget } from '../probe-target.ts'

export type Suspicion = {
  /** RFC 3339. */
  readonly since: string
  readonly until: string
  /** Targets that turned to failing, of those that were healthy. */
  readonly failing: number
  readonly of: number
}

export type SuspicionRule = { readonly enabled: boolean; readonly ratio: number; readonly min_targets: number }

/**
 * Doubts ourselves when most of what was healthy begins to fail at once: then our network is the likelier cause.
 *
 * Only targets that turned within `windowMs` count; what failed before does not.
 */
export function createProbeSelfPreservation({
  rule,
  windowMs,
  now,
}: {
  rule: () => SuspicionRule
  windowMs: () => number
  now: () => number
}) {
  const well = new Set<ProbeTarget>()
  /** When each target turned; oldest first. */
  const turned = new Map<ProbeTarget, number>()
  let active = false

  /** Notes one more result; whether the suspicion begins with it. */
  function note(subject: ProbeTarget, { wasWell, ok }: { wasWell: boolean; ok: boolean }): boolean {
    if (ok) {
      turned.delete(subject)
      if (subject.verdict.status === 'healthy') well.add(subject)
      return false
    }
    well.delete(subject)
    if (!wasWell) return false
    turned.set(subject, now())
    if (active || !rule().enabled) return false
    forgetOld()
    active = isMost()
    return active
  }

  function forgetOld(): void {
    for (const [subject, at] of turned) {
      if (now() - at <= windowMs()) return
      turned.delete(subject)
    }
  }

  function isMost(): boolean {
    const all = well.size + turned.size
    return all >= rule().min_targets && turned.size > rule().ratio * all
  }

  function forget(subject: ProbeTarget): void {
    well.delete(subject)
    turned.delete(subject)
  }

  /** Ends it; those still failing are failing in earnest from now on. */
  function end(): ProbeTarget[] {
    const failing = active ? [...turned.keys()] : []
    active = false
    turned.clear()
    return failing
  }

  return {
    note,
    forget,
    end,
    active: () => active,
    /** Whether it is active, but most targets are well again. */
    isOver: () =>
      active && (!rule().enabled || turned.size === 0 || turned.size <= rule().ratio * (well.size + turned.size)),
    /** Whether the subject's failures do not count for now. */
    holds: (subject: ProbeTarget) => active && turned.has(subject),
    failing: () => [...turned.keys()],
    counts: () => ({ failing: turned.size, of: well.size + turned.size }),
  }
}
