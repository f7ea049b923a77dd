import type { LeaseTerms } from './lease.ts'

/** Most leases lapsed at once, which is rather this machine's or the network's doing than theirs. Times in wall ms. */
export type Preservation = {
  readonly since: number
  readonly until: number
  readonly held: number
  readonly of: number
}

export type PreservationRules = {
  readonly enabled: boolean
  readonly least: number
  readonly ratio: number
  readonly mostMs: number
}

/**
 * The self-preservation of leases: holds those that are due, instead of letting them lapse, while that many lapse that it is
 * rather this daemon that cannot hear.
 */
export function createPreservation<Owner extends { readonly terms: LeaseTerms }>({
  rules,
  wall,
}: {
  rules: () => PreservationRules
  wall: () => number
}) {
  const held = new Set<Owner>()
  let lapses: { at: number; many: number }[] = []
  /** Who was just released is believed, however many they are. */
  let released = false
  let preserving: { since: number; until: number; of: number } | undefined

  type Due = { readonly lapsing: readonly Owner[]; readonly living: number; readonly now: number }

  /** Whether those who are due are held. `lapsing`: who of them would be counted out, while so many are `living`. */
  function holds(due: readonly Owner[], about: Due): boolean {
    if (!isSuspicious(about)) return false
    for (const owner of due) held.add(owner)
    return true
  }

  function isSuspicious({ lapsing, living, now }: Due): boolean {
    if (preserving) return true
    if (released) {
      released = false
      return false
    }
    const { enabled, least, ratio, mostMs } = rules()
    if (!enabled || lapsing.length === 0) return false
    const timeout = Math.max(...new Set(lapsing.map(({ terms }) => terms.timeout)))
    lapses = lapses.filter(({ at }) => now - at < timeout)
    lapses.push({ at: now, many: lapsing.length })
    const lapsed = lapses.reduce((sum, { many }) => sum + many, 0)
    const of = living + lapsed - lapsing.length
    if (of < least || lapsed <= of * ratio) return false
    preserving = { since: wall(), until: now + mostMs, of }
    return true
  }

  /** Whether it has gone on long enough, or half of those it began with are heard again. */
  function isOver(now: number): boolean {
    if (!preserving) return false
    return now >= preserving.until || held.size * 2 <= preserving.of * rules().ratio
  }

  /** Ends it; the answer is who was held. */
  function release(): readonly Owner[] {
    const owners = Array.from(held)
    preserving = undefined
    lapses = []
    held.clear()
    released = true
    return owners
  }

  function shown(now: number): Preservation | undefined {
    if (!preserving) return undefined
    const { since, until, of } = preserving
    return { since, until: wall() + (until - now), held: held.size, of }
  }

  return {
    holds,
    isOver,
    release,
    shown,
    has: (owner: Owner) => held.has(owner),
    /** It was heard, or is no more. */
    letGo: (owner: Owner) => void (held.size > 0 && held.delete(owner)),
  }
}
