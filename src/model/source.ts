import type { ReportedHealth } from './health.ts'
import type { ServerDefinition } from './server.ts'

/**
 * Watches a place where servers are listed.
 *
 * A `picture` holds one reading for every origin there is: an origin that is missing is gone. A `change` speaks of the
 * origins it names and no others. `alive` says: looked, nothing new; or that it waits for its time. An origin that failed
 * keeps its last good servers. `run.wake` asks for a fresh look now. The iteration ends soon after `run.signal` aborts, with
 * everything released.
 *
 * A source that throws is restarted with backoff by the supervisor, its servers kept as stale meanwhile; one that ends
 * by itself is done (`env`), and what it showed stays; one that ends without ever having shown a picture is disabled, and
 * has no servers.
 */
export type Source = (run: SourceRun) => AsyncIterable<Sighting>

export type SourceRun = {
  readonly signal: AbortSignal
  readonly wake: WakeSignal
  /** For sources that are told (push): applies a sighting now, before it returns, so that the next request sees it. */
  readonly push: (sighting: Sighting) => void
}

/**
 * A wish for a fresh look, raised by a refresh request or a reload; it stays raised until a look takes it.
 *
 * A source calls `take` when it begins a look (so that whoever asked knows which sighting answers), and waits for the
 * next one with `wait`.
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
  /** The note is shown at `/sources`: "polling, inotify is exhausted". `waits`: it has not looked, its time has not come. */
  | { readonly type: 'alive'; readonly note?: string; readonly waits?: true }

/**
 * One origin, and what was read there.
 *
 * Yielding the same object again says that nothing changed, at no cost. `rank` orders origins inside the source where
 * its config names an order (lower first); equal ranks are ordered by their text.
 */
export type Reading = { readonly origin: string; readonly rank?: number } & (
  | { readonly entries: readonly Entry[] }
  | { readonly error: SourceError }
)

/**
 * One unchecked definition, where it stands (`line 12`, `servers.weather`), and what the place itself says of its
 * health; or, where the source itself can tell that it is none, the problem.
 */
export type Entry =
  | { readonly value: unknown; readonly where?: string; readonly reported?: ReportedHealth }
  | RegisteredEntry
  | { readonly problem: string; readonly name?: string; readonly namespace?: string; readonly where?: string }

/**
 * A registration: checked when it was taken in, so it is not checked again, with what its store assigned (times are
 * RFC 3339).
 */
export type RegisteredEntry = {
  readonly definition: ServerDefinition
  readonly reported?: ReportedHealth
  readonly stored: StoredVersion
}

export type StoredVersion = {
  readonly resource_version: string
  readonly created_at: string
  readonly updated_at: string
}

/** Why an origin, or a whole source, could not be read. Holds no secret and nothing of a body. */
export class SourceError extends Error {
  override name = 'SourceError'
  /** `config` and `auth` do not heal by themselves; `partial` was cut short; `transient` may pass. */
  readonly class: 'transient' | 'auth' | 'config' | 'partial'
  /** Where in the origin: `line 3, column 5`. */
  readonly where: string | undefined
  /** Seconds the other side asked to wait. */
  readonly retry_after: number | undefined

  constructor(
    message: string,
    details: {
      class?: SourceError['class']
      where?: string | undefined
      retry_after?: number | undefined
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: details.cause })
    this.class = details.class ?? 'transient'
    this.where = details.where
    this.retry_after = details.retry_after
  }
}
