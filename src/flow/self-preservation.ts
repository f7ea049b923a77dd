export type SelfPreservationRules = {
  readonly enabled: boolean
  /** Below this number of subjects it never starts. */
  readonly minSubjects: number
  /** It starts when more than this share of the subjects begins to fail within the window. */
  readonly ratio: number
  /** It ends after this time at the latest. */
  readonly maxMs: number
}

/** A running self-preservation; `since` and `until` are wall clock milliseconds. */
export type SelfPreservation = {
  readonly since: number
  readonly until: number
  readonly failing: number
  /** All subjects when it started, failing ones included. */
  readonly of: number
}

/**
 * Self-preservation: when most healthy subjects begin to fail at once, this process or its network is the likelier cause,
 * so callers keep the state of those subjects for a while.
 *
 * Subjects that failed longer ago than the window do not count. It ends when enough subjects have recovered, when
 * switched off, after `maxMs`, or by `end`; subjects still failing at that moment never start the next one.
 */
export function createSelfPreservation<Subject>({
  rules,
  now,
  wall,
  endShare = 1,
}: {
  rules: () => SelfPreservationRules
  now: () => number
  wall: () => number
  /** It ends when the share of failing subjects is at most `ratio` times this. */
  endShare?: number
}) {
  /** When each failing subject began to fail, oldest first. */
  const failing = new Map<Subject, number>()
  /** Subjects that were failing when the last self-preservation ended. */
  const confirmed = new Set<Subject>()
  let active: { readonly since: number; readonly began: number; readonly of: number } | undefined

  /** Records subjects that begin to fail, beside `healthy` ones. Returns whether self-preservation is active. */
  function fail(subjects: readonly Subject[], { healthy, windowMs }: { healthy: number; windowMs: number }): boolean {
    if (!active && !rules().enabled) return false
    const time = now()
    const isSuspect = subjects.filter((subject) => record(subject, time)).length > 0
    if (active || !isSuspect) return active !== undefined
    dropBefore(time - windowMs)
    const of = healthy + failing.size
    if (of < rules().minSubjects || failing.size <= rules().ratio * of) return false
    active = { since: wall(), began: time, of }
    return true
  }

  function record(subject: Subject, time: number): boolean {
    if (confirmed.delete(subject)) return false
    // Deleted first: the order of the map is the order of the times.
    failing.delete(subject)
    failing.set(subject, time)
    return true
  }

  function dropBefore(time: number): void {
    for (const [subject, since] of failing) {
      if (since >= time) return
      failing.delete(subject)
    }
  }

  /** Forgets a subject that recovered or is gone. Called with every heartbeat, mostly without effect. */
  function recover(subject: Subject): void {
    if (failing.size > 0) failing.delete(subject)
    if (confirmed.size > 0) confirmed.delete(subject)
  }

  /** Whether the reason for an active self-preservation has passed, measured by `healthy` subjects if given. */
  function isOver(healthy?: number): boolean {
    if (!active) return false
    const { enabled, ratio } = rules()
    const of = healthy === undefined ? active.of : healthy + failing.size
    return !enabled || now() >= endsAt(active) || failing.size <= of * ratio * endShare
  }

  const endsAt = ({ began }: { began: number }) => began + rules().maxMs

  /** Ends it; returns the subjects that are still failing. */
  function end(): Subject[] {
    const subjects = active ? [...failing.keys()] : []
    for (const subject of subjects) confirmed.add(subject)
    active = undefined
    failing.clear()
    return subjects
  }

  function status(): SelfPreservation | undefined {
    if (!active) return undefined
    const { since, of } = active
    return { since, until: wall() + (endsAt(active) - now()), failing: failing.size, of: Math.max(of, failing.size) }
  }

  return {
    fail,
    recover,
    isOver,
    end,
    status,
    isActive: () => active !== undefined,
    /** Milliseconds until it ends at the latest; undefined while inactive. */
    remainingMs: () => (active ? endsAt(active) - now() : undefined),
    failing: () => [...failing.keys()],
    /** Whether failures of the subject are being ignored. */
    covers: (subject: Subject) => active !== undefined && failing.has(subject),
  }
}
