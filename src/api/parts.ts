import type { Log } from '../log.ts'
import type { ProbeResult } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import type { Registry } from '../registry/registry.ts'
import type { Supervisor } from '../registry/supervisor.ts'
import type { Lists } from './hot.ts'
import type { Volatile } from './one.ts'

/** What a reload did, or why the old config goes on. */
export type Reloaded =
  | { readonly applied: true; readonly [fact: string]: unknown }
  | { readonly applied: false; readonly reason: string }

/** Why the monitor doubts itself, in words that hold the remedy; undefined while it does not. */
export type Suspicion = { readonly since: string; readonly [fact: string]: unknown } | undefined

/** What the application asks of the rest of the daemon. */
export type ApiParts = {
  readonly registry: Pick<Registry, 'get' | 'list' | 'token' | 'size'>
  readonly lists: Lists
  readonly supervisor: Pick<Supervisor, 'sources' | 'syncing' | 'refresh' | 'names' | 'ready'>
  readonly monitor: {
    readonly volatile: (id: ServerId) => Volatile | undefined
    /** Probes now; undefined where there is nothing to probe. */
    readonly check: (id: ServerId) => Promise<ProbeResult | undefined>
    readonly suspicion: () => Suspicion
    readonly clearSuspicion: () => void
  }
  readonly reload: () => Promise<Reloaded>
  /** Prometheus text; absent where metrics are switched off. */
  readonly metrics?: (() => Promise<string>) | undefined
  /** What this registry calls itself. */
  readonly name: string
  readonly version: string
  readonly log: Log
}
