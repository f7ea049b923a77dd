import type { Server } from './server.ts'

/**
 * Which addresses a server may have. `any`: the operator defined it. `listed`: written by an admin over the API, so loopback
 * only where the config names it. `private`: defined elsewhere, so never loopback.
 */
export type Reach = 'any' | 'listed' | 'private'

/** One server in the registry. Immutable: a change makes a new one. */
export type RegisteredServer = {
  /** With its secrets; leaves the process only through `json` or an audited request for secrets. */
  readonly server: Server
  readonly reach: Reach
  /** Seconds between two probes, where the definition names them. */
  readonly probeInterval: number | undefined
  /** The redacted server as JSON. */
  readonly json: () => Buffer
}

export type Change =
  | { readonly type: 'ADDED'; readonly now: RegisteredServer; readonly before?: undefined }
  | { readonly type: 'MODIFIED'; readonly now: RegisteredServer; readonly before: RegisteredServer }
  | { readonly type: 'DELETED'; readonly now?: undefined; readonly before: RegisteredServer }

/** The changes of one revision, at most one per server. */
export type Batch = { readonly revision: number; readonly token: string; readonly changes: readonly Change[] }
