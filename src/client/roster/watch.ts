import type { Server } from '../../model/server.ts'
import { createCancellation, createWatchdog, type Cancellation, pause, repeatCheck } from './cancellation.ts'
import { isTransient, RosterError } from './error.ts'
import { createEventBatcher, type EventBatch } from './event-batcher.ts'
import { messagesIn, StreamError } from './event-stream.ts'
import { type FieldQuery, parametersOf, type WatchedField, type WatchQuery } from './query.ts'
import { createReconnectPause } from './reconnect-pause.ts'
import type { ConnectOptions, RosterHttp } from './requests/roster-http.ts'

/** How a watch went on after a lost connection. */
export type Resumption =
  /** Nothing was missed: every change since this token follows, each by itself. */
  | { readonly exact: true; readonly token: string }
  /** The changes meanwhile are unknown: what follows is the difference to the list of this token, or the list itself. */
  | { readonly exact: false; readonly token: string; readonly reason: string }

export type WatchOptions<Field extends keyof Server = keyof Server> = {
  /** With `fields`, events show only these, `id` and `source`; a change in others alone is no event. */
  readonly query?: (WatchQuery & FieldQuery<Field>) | undefined
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal | undefined
  /** Token of an earlier watch or list: the watch resumes from there instead of listing everything first. */
  readonly since?: string | undefined
  /** Called when the connection is lost or refused, with the pause before the next attempt. An exception ends the watch. */
  readonly onPause?: ((error: RosterError, ms: number) => void) | undefined
  /**
   * Called when events come again after a loss, before the first of them: with the token from which the watch went on exactly,
   * or with that of a new list and the reason for it. An exception ends the watch.
   */
  readonly onResume?: ((resumption: Resumption) => void) | undefined
}

/** Pause between two looks at `/ready`, in ms, while servers of unread sources are kept. */
const readinessMs = 2000

/** Why a connection ends where the roster has read a source whose servers were kept. */
const sourcesRead = new Error('the roster has read its sources')

/**
 * Yields the changes of a roster, one batch per revision, each change once, across lost connections and restarts.
 *
 * Throws where a retry cannot help: the query is invalid, the token lacks the right, or the other side is not a roster.
 */
export async function* watchBatches(
  http: RosterHttp,
  { query = {}, signal, since, onPause, onResume }: WatchOptions,
  {
    quietMs = 60_000,
    longestPauseMs = 30_000,
    maxPauseMs = longestPauseMs,
    maxBackoffMs,
  }: Pick<ConnectOptions, 'quietMs' | 'longestPauseMs' | 'maxPauseMs' | 'maxBackoffMs'>,
): AsyncGenerator<EventBatch> {
  const batcher = createEventBatcher({ since })
  const reconnect = createReconnectPause({ maxMs: maxPauseMs, maxBackoffMs })
  let isLost = false

  /** Yields the batches of one connection; returns the error that ended it, or undefined to list everything at once. */
  async function* attempt(): AsyncGenerator<EventBatch, RosterError | undefined> {
    using cancellation = createCancellation(signal)
    try {
      yield* connected(cancellation)
      return new RosterError(`${http.origin} closed the watch`)
    } catch (error) {
      return cancellation.signal.reason === sourcesRead ? undefined : watchError(error, http.origin)
    }
  }

  async function* connected(cancellation: Cancellation): AsyncGenerator<EventBatch> {
    using watchdog = createWatchdog(quietMs, () => cancellation.cancel(new Error(`no data for ${quietMs / 1000} s`)))
    const unread = batcher.token() === undefined ? [] : await unreadSources(cancellation.signal)
    const token = batcher.restart(unread)
    const body = await streamOf(await openStream(token, cancellation.signal))
    repeatCheck(Math.min(readinessMs, maxPauseMs), cancellation.signal, () => listOnceRead(cancellation))
    for await (const message of messagesIn(body, { onAlive: watchdog.reset, onRetry: reconnect.advise })) {
      const batch = batcher.accept(message)
      if (!batch) continue
      reconnect.connected()
      if (isLost) onResume?.(resumptionOf(batch, token))
      isLost = false
      watchdog.stop() // a slow consumer is not a silent roster
      yield batch
      watchdog.reset()
    }
  }

  async function openStream(token: string | undefined, stopped: AbortSignal): Promise<Response> {
    return http.open('/servers/watch', {
      parameters: parametersOf(withWatchedFields(query)),
      headers: { accept: 'text/event-stream', ...(token === undefined ? {} : { 'last-event-id': token }) },
      signal: stopped,
    })
  }

  /**
   * Sources that a roster which has just started has not read yet: their servers are not gone. A watch that cannot compare
   * lists waits for `/ready` instead.
   */
  async function unreadSources(stopped: AbortSignal): Promise<readonly string[]> {
    const response = await http.open('/ready', { signal: stopped })
    const text = await response.text()
    if (response.status !== 503) return []
    const names = batcher.canCompare() ? syncingIn(text) : undefined
    if (names) return names
    throw new RosterError(`${http.origin} is not ready yet`, { status: 503, problem: { code: 'not_ready' } })
  }

  /** Ends the connection once the roster has read a source whose servers were kept; the next one lists everything. */
  async function listOnceRead({ signal: stopped, cancel }: Cancellation): Promise<void> {
    if (batcher.keptSources().size === 0) return
    const unread = await unreadSources(stopped)
    if (![...batcher.keptSources()].every((source) => unread.includes(source))) cancel(sourcesRead)
  }

  async function streamOf(response: Response): Promise<ReadableStream<Uint8Array>> {
    if (!response.ok) throw http.errorFrom(response, await response.text())
    const isStream = /event-stream/.test(response.headers.get('content-type') ?? '')
    if (isStream && response.body) return response.body
    throw new RosterError(`${http.origin} does not answer with an event stream; it may not be an mcp-roster`, {
      status: response.status,
    })
  }

  for (;;) {
    if (signal?.aborted) return
    const failure = yield* attempt()
    if (signal?.aborted) return
    if (!failure) continue
    if (!isTransient(failure)) throw failure
    const ms = reconnect.next(failure)
    isLost = true
    onPause?.(failure, ms)
    await pause(ms, signal)
  }
}

/** How the first batch of a connection goes on after what came before. */
function resumptionOf({ listed, token }: EventBatch, since = token): Resumption {
  return listed === undefined ? { exact: true, token: since } : { exact: false, token, reason: listed }
}

function withWatchedFields({ fields, ...filters }: WatchQuery & FieldQuery<keyof Server>): object {
  const always: readonly WatchedField[] = ['id', 'source']
  return fields === undefined || fields.length === 0
    ? filters
    : { ...filters, fields: [...new Set([...always, ...[fields].flat()])] }
}

/** The sources that an answer of `/ready` names as unread; undefined if it is none. */
function syncingIn(text: string): readonly string[] | undefined {
  try {
    const { syncing } = JSON.parse(text) as { syncing?: unknown }
    return Array.isArray(syncing) && syncing.length > 0 ? syncing.map(String) : undefined
  } catch {
    return undefined
  }
}

/** Converts what broke a connection into a `RosterError`. */
function watchError(error: unknown, origin: string): RosterError {
  if (error instanceof RosterError) return error
  const why = error instanceof Error ? error.message : String(error)
  if (error instanceof StreamError) return new RosterError(why, { status: 200, cause: error })
  return new RosterError(`connection to ${origin} lost: ${why}`, { cause: error })
}
