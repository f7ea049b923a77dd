import type { Dispatcher } from 'undici'

/** TLS material of a connection to the API server. */
export type KubeTls = {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** Address of an API server, and the credentials for it. */
export type KubeCredentials = {
  /** URL without a trailing slash. */
  readonly server: string
  /** Default namespace of the context. */
  readonly namespace?: string
  /** The current credentials; rejects with a `SourceError`. A `dispatcher` tunnels through a proxy. */
  readonly current: () => Promise<{
    readonly headers: Readonly<Record<string, string>>
    readonly tls: KubeTls
    readonly dispatcher?: Dispatcher
  }>
  /** Discards cached credentials, because the server rejected them. */
  readonly refresh: () => void
}
