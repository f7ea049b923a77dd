/** Most leases lapsed at once, which is rather this machine's or the network's doing than theirs. Times in wall ms. */
export type SelfPreservation = {
  readonly since: number
  readonly until: number
  readonly held: number
  readonly of: number
}

export type SelfPreservationRules = {
  readonly enabled: boolean
  readonly least: number
  readonly ratio: number
  readonly mostMs: number
}

/**
 * The self-preservation of leases: holds those that are due, instead of letting them lapse, while that many lapse that it is
 * rather this daemon that cannot hear.
 */
export function createSelfPreservation<Owner extends { readonly terms: { readonly timeout: number } }>({
  rules,
  wall,
}: {
  rules: () => SelfPreservationRules
  wall: () => number
}) {
  const held = new Set<Owner>()
  /** Who of them would be counted out; the rest were dead before. */
  const silent = new Set<Owner>()
  /** Who was just released is believed to be dead, however many they are. */
  const believed = new Set<Owner>()
  let lapses: { at: number; many: number }[] = []
  let preserving: { since: number; until: number; of: number } | undefined

  type Due = { readonly lapsing: readonly Owner[]; readonly living: number; readonly now: number }

  /** Whether those who are due are held. `lapsing`: who of them would be counted out, while so many are `living`. */
  function holds(due: readonly Owner[], about: Due): boolean {
    if (!isSuspicious(about)) return false
    for (const owner of due) held.add(owner)
    for (const owner of about.lapsing) silent.add(owner)
    return true
  }

  function isSuspicious({ lapsing, living, now }: Due): boolean {
    if (preserving) return true
    const { enabled, least, ratio, mostMs } = rules()
    const doubtful = lapsing.filter((owner) => !believed.delete(owner))
    if (!enabled || doubtful.length === 0) return false
    const timeout = doubtful.reduce((most, { terms }) => Math.max(most, terms.timeout), 0)
    lapses = lapses.filter(({ at }) => now - at < timeout)
    lapses.push({ at: now, many: doubtful.length })
    const lapsed = lapses.reduce((sum, { many }) => sum + many, 0)
    const of = living + lapsed - lapsing.length
    if (of < least || lapsed <= of * ratio) return false
    preserving = { since: wall(), until: now + mostMs, of }
    return true
  }

  /** Whether it has gone on long enough, or half of those it began with are heard again. */
  function isOver(now: number): boolean {
    if (!preserving) return false
    return now >= preserving.until || silent.size * 2 <= preserving.of * rules().ratio
  }

  /** Ends it; the answer is who was held. */
  function release(): readonly Owner[] {
    const owners = Array.from(held)
    for (const owner of silent) believed.add(owner)
    preserving = undefined
    lapses = []
    held.clear()
    silent.clear()
    return owners
  }

  /** It was heard, or is no more. Asked with every heartbeat, mostly in vain. */
  function letGo(owner: Owner): void {
    if (held.size > 0) held.delete(owner)
    if (silent.size > 0) silent.delete(owner)
    if (believed.size > 0) believed.delete(owner)
  }

  function shown(now: number): SelfPreservation | undefined {
    if (!preserving) return undefined
    const { since, until, of } = preserving
    return { since, until: wall() + (until - now), held: silent.size, of }
  }

  return {
    holds,
    isOver,
    release,
    shown,
    has: (owner: Owner) => held.has(owner),
    letGo,
  }
}
