import type { Server } from './server.ts'

/** How far a server's addresses are trusted: `any` was written by the operator, `private` came from elsewhere and never reaches loopback. */
export type Reach = 'any' | 'private'

/** One server as the registry holds it. Immutable: a change makes a new one. */
export type RegisteredServer = {
  /** Unredacted; leaves the process only through `json` or an audited request for secrets. */
  readonly server: Server
  readonly reach: Reach
  /** The server as everybody may see it, secrets redacted, encoded once. */
  readonly json: () => Buffer
}

export type Change =
  | { readonly type: 'ADDED'; readonly now: RegisteredServer; readonly before?: undefined }
  | { readonly type: 'MODIFIED'; readonly now: RegisteredServer; readonly before: RegisteredServer }
  | { readonly type: 'DELETED'; readonly now?: undefined; readonly before: RegisteredServer }

/** What one revision changed. A server appears in it once. */
export type Batch = { readonly revision: number; readonly token: string; readonly changes: readonly Change[] }
