import type { Reach } from '../model/change.ts'
import type { Reason } from '../model/health.ts'

/** One exchange with the outside. Every limit is of the whole exchange, redirects included. */
export type DoorRequest = {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Which addresses may be called: `any` but metadata and link-local, or `private` (never loopback either). */
  readonly reach: Reach
  /** Narrower still: only these networks, never those (CIDRs). */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly timeoutMs: number
  /** The cap of the body on the wire, and again once decoded. */
  readonly maxBytes: number
  /** How many redirects may be followed, each checked like the first address; credentials are dropped across origins. Default 0. */
  readonly maxRedirects?: number
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly insecure?: boolean }
  readonly signal?: AbortSignal
}

export type DoorAnswer = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The address that answered in the end. */
  readonly url: string
}

/** Why an exchange failed. Names the reason and the host; never anything of a body, a header or a URL's secrets. */
export class DoorError extends Error {
  override name = 'DoorError'
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export type Door = {
  /** Exchanges one request for one whole answer; rejects with a `DoorError`. */
  readonly request: (url: string, request: DoorRequest) => Promise<DoorAnswer>
  /** Whether a TCP connection can be made; rejects with a `DoorError`. */
  readonly connect: (
    host: string,
    port: number,
    request: Pick<DoorRequest, 'reach' | 'timeoutMs' | 'signal'>,
  ) => Promise<void>
  readonly close: () => Promise<void>
}
