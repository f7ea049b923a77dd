import type { Reach } from '../model/change.ts'
import type { ReportedHealth } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import type { DiscoveryMethod, ServerDefinition } from '../model/server.ts'
import type { StoredVersion } from '../model/source.ts'

/** One source as the registry ranks it. `order` is its index in the config; only `order` changes while candidates live. */
export type Layer = {
  readonly name: string
  readonly reach: Reach
  readonly discovery_method: DiscoveryMethod
  order: number
}

/** One accepted definition, competing for its id with definitions of other sources and origins. Only `where` changes. */
export type Candidate = {
  readonly id: ServerId
  readonly definition: ServerDefinition
  readonly reported?: ReportedHealth | undefined
  readonly stored?: StoredVersion | undefined
  readonly layer: Layer
  readonly origin: string
  /** Its location in the origin, as last read; undefined where the origin has no lines, or the definition is stale. */
  where?: string | undefined
  readonly rank: number
  readonly position: number
  /** The last good definition: its origin fails now, or the newest version of the entry was rejected. */
  readonly stale: boolean
}

/** What one sighting changes among the candidates. */
export type Delta = { readonly removed: readonly Candidate[]; readonly added: readonly Candidate[] }
