import type { Dispatcher } from 'undici'

/** What a connection needs to trust the API server and be trusted by it. */
export type KubeTls = {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** Where the API server is, and who we are to it. */
export type KubeCredentials = {
  /** Address without a path's last slash. */
  readonly server: string
  /** The namespace that is meant when none is named. */
  readonly namespace?: string
  /** The credentials of now; rejects with a `SourceError`. A way through a proxy comes ready made. */
  readonly current: () => Promise<{
    readonly headers: Readonly<Record<string, string>>
    readonly tls: KubeTls
    readonly dispatcher?: Dispatcher
  }>
  /** They were turned away: whatever is remembered of them is read anew. */
  readonly refresh: () => void
}
