import type { Reach } from '../model/change.ts'
import type { ReportedHealth } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import type { DiscoveryMethod, ServerDefinition } from '../model/server.ts'
import type { StoredVersion } from '../model/source.ts'

/** One source as the registry ranks it. `order` is its place in the config; it alone may change while candidates live. */
export type Layer = {
  readonly name: string
  readonly reach: Reach
  readonly discovery_method: DiscoveryMethod
  order: number
}

/** One accepted definition, competing for its id with those of other sources and origins. Immutable. */
export type Candidate = {
  readonly id: ServerId
  readonly definition: ServerDefinition
  readonly reported?: ReportedHealth | undefined
  readonly stored?: StoredVersion | undefined
  readonly layer: Layer
  readonly origin: string
  readonly rank: number
  readonly position: number
  /** Its origin cannot be read now, or its newest version was turned away: this is the last good one. */
  readonly stale: boolean
}

/** What one sighting changes among the candidates. */
export type Delta = { readonly removed: readonly Candidate[]; readonly added: readonly Candidate[] }

/**
 * Who wins a name: the source that the config lists first, then the origin it names first, then the text of the origin,
 * then the place in the document. Never time. Negative where `a` wins.
 */
export function byPrecedence(a: Candidate, b: Candidate): number {
  if (a.layer !== b.layer) return a.layer.order - b.layer.order
  if (a.rank !== b.rank) return a.rank - b.rank
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1
  return a.position - b.position
}
