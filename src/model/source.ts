import type { ReportedHealth } from './health.ts'
import type { ServerDefinition } from './server.ts'

/**
 * Watches a place where servers are listed.
 *
 * A `picture` holds one reading for every origin: an origin that is missing is gone. A `change` speaks only of the origins
 * that it names. `alive` means: read, nothing new; or waiting for the scheduled time. An origin that failed keeps its last
 * good servers. `run.wake` requests a read now. The iteration ends soon after `run.signal` aborts, with everything
 * released.
 *
 * The supervisor restarts a source that throws, with backoff, and keeps its servers as stale meanwhile. A source that ends
 * by itself is complete (`env`), and its servers stay. A source that ends without a picture is disabled, and has no
 * servers.
 */
export type Source = (run: SourceRun) => AsyncIterable<Sighting>

export type SourceRun = {
  readonly signal: AbortSignal
  readonly wake: WakeSignal
  /** For push sources: applies a sighting before it returns, so that the next request sees it. */
  readonly push: (sighting: Sighting) => void
}

/**
 * A sticky request for a read, raised by a refresh request or a reload.
 *
 * A source calls `take` when it begins a read, so that a refresh request knows which sighting answers it. `wait` waits for
 * the next request.
 */
export type WakeSignal = {
  readonly raised: () => boolean
  readonly take: () => void
  /** Resolves when raised, when `ms` have passed, or when the run's signal aborts; never rejects. */
  readonly wait: (ms?: number) => Promise<void>
}

export type Sighting =
  | { readonly type: 'picture'; readonly readings: readonly Reading[]; readonly note?: string }
  | {
      readonly type: 'change'
      readonly readings: readonly Reading[]
      readonly gone: readonly string[]
      readonly note?: string
    }
  /** `note` is shown at `/sources`: "polling, inotify is exhausted". `waits`: not read yet, the scheduled time has not come. */
  | { readonly type: 'alive'; readonly note?: string; readonly waits?: true }

/**
 * One origin, and what was read there.
 *
 * Yielding the same object again means that nothing changed, at no cost. `rank` orders the origins of a source whose config
 * names an order, lower first; equal ranks are ordered by text.
 */
export type Reading = { readonly origin: string; readonly rank?: number } & (
  | { readonly entries: readonly Entry[] }
  | { readonly error: SourceError }
)

/**
 * One definition that is not validated yet, its location (`line 12`, `servers.weather`), and its health as the place reports
 * it; or the problem, where the source itself finds the definition invalid.
 */
export type Entry =
  | { readonly value: unknown; readonly where?: string; readonly reported?: ReportedHealth }
  | RegisteredEntry
  | {
      readonly problem: string
      /** The problem is no fault of the source, and does not degrade it. */
      readonly isExpected?: boolean
      readonly name?: string
      readonly namespace?: string
      readonly where?: string
    }

/** A registration, validated when it was accepted, with what its store assigned. */
export type RegisteredEntry = {
  readonly definition: ServerDefinition
  readonly reported?: ReportedHealth
  readonly stored: StoredVersion
}

/** What a store assigns to a definition. Times are RFC 3339. */
export type StoredVersion = {
  readonly resource_version: string
  readonly created_at: string
  readonly updated_at: string
}

/** Why an origin or a whole source could not be read. Holds no secret, and of a body no more than `excerpt`. */
export class SourceError extends Error {
  override name = 'SourceError'
  /** `config` and `auth` need a person; `partial`: the answer was cut off; `transient`: a retry may succeed. */
  readonly class: 'transient' | 'auth' | 'config' | 'partial'
  /** The location in the origin: `line 3, column 5`. */
  readonly where: string | undefined
  /** The broken line, `…` for all but field names and marks of the syntax: `tags: ▸[…, …`. */
  readonly excerpt: string | undefined
  /** Seconds to wait, as the other side requested. */
  readonly retry_after: number | undefined

  constructor(
    message: string,
    details: {
      class?: SourceError['class']
      where?: string | undefined
      excerpt?: string | undefined
      retry_after?: number | undefined
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: details.cause })
    this.class = details.class ?? 'transient'
    this.where = details.where
    this.excerpt = details.excerpt
    this.retry_after = details.retry_after
  }
}
