import type { Capability } from '../model/capability.ts'
import type { Batch, Registered } from '../model/change.ts'
import type { Health } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'

/** What the monitor found out about a server. Dropped when the server's target is no longer `target`. */
export type Observation = {
  readonly id: ServerId
  /** `targetKey(server)` at the time of the probe. */
  readonly target: string
  readonly health: Health
  /** What the server said of itself when it was asked; left out: what was known stays. */
  readonly capabilities?: readonly Capability[]
  readonly version?: string
}

/** The one merged picture. Every read first settles what is due (leases), so it is never behind. */
export type Registry = {
  /** `epoch-revision`. */
  readonly token: () => string
  readonly revision: () => number
  readonly size: () => number
  readonly get: (id: ServerId) => Registered | undefined
  /** Every server, ordered by id. */
  readonly list: () => readonly Registered[]
  /** Registers at once; `push` is called once per revision, synchronously, with what it changed. Returns how to leave. */
  readonly subscribe: (push: (batch: Batch) => void) => () => void
  /** Notes verdicts of the monitor; those that change nothing make no revision. */
  readonly observe: (observations: readonly Observation[]) => void
}
