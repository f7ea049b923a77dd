import { createBackoff } from '../flow/backoff.ts'
import { createEnding, createWatchdog, type Ending } from './ending.ts'
import { isPassing, RosterError } from './error.ts'
import { messagesIn, StreamError } from './event-stream.ts'
import { createPicture, type EventBatch } from './picture.ts'
import { parametersOf, type WatchQuery } from './query.ts'
import type { ConnectOptions, Wire } from './wire.ts'

/** Whoever says "at once" again and again is not asked without end. */
const leastPauseMs = 100

export type WatchOptions = {
  readonly query?: WatchQuery | undefined
  /** Ends the watch, quietly. */
  readonly signal?: AbortSignal | undefined
  /** A token of an earlier watch or list: what followed it is told, instead of what is there. */
  readonly since?: string | undefined
  /** Told whenever the connection is lost or refused for now, and when it will be tried again. What it throws ends the watch. */
  readonly onPause?: ((error: RosterError, ms: number) => void) | undefined
}

/**
 * The changes of a roster, a batch for each revision, for ever: across lost connections and restarts, each change once.
 *
 * Rejects where trying again makes no sense: the query is wrong, the token not good enough, the other side no roster.
 */
export async function* watchBatches(
  wire: Wire,
  { query = {}, signal, since, onPause }: WatchOptions,
  { quietMs = 60_000, longestPauseMs = 30_000 }: Pick<ConnectOptions, 'quietMs' | 'longestPauseMs'>,
): AsyncGenerator<EventBatch> {
  const picture = createPicture({ since })
  const backoff = createBackoff({ mostMs: longestPauseMs })
  /** The roster spreads those who come back: each is told another pause. */
  let advisedMs: number | undefined

  /** One connection, for as long as it lasts; returns why it did not. */
  async function* attempt(): AsyncGenerator<EventBatch, RosterError> {
    using ending = createEnding(signal)
    try {
      yield* connected(ending)
      return new RosterError(`${wire.origin} ended the watch`)
    } catch (error) {
      return failureOf(error, wire.origin)
    }
  }

  async function* connected(ending: Ending): AsyncGenerator<EventBatch> {
    using watchdog = createWatchdog(quietMs, () => ending.end(new Error('it has been silent for too long')))
    const token = picture.token()
    if (token !== undefined) await mustBeReady(ending.signal)
    const body = await bodyOf(await ask(token, ending.signal))
    picture.restart()
    const onRetry = (ms: number) => void (advisedMs = ms)
    for await (const message of messagesIn(body, { onAlive: watchdog.calm, onRetry })) {
      const batch = picture.take(message)
      if (!batch) continue
      backoff.reset()
      watchdog.hush() // whoever is slow to take it is not the other side's silence
      yield batch
      watchdog.calm()
    }
  }

  async function ask(token: string | undefined, ending: AbortSignal): Promise<Response> {
    return wire.open('/servers/watch', {
      parameters: parametersOf(query),
      headers: { accept: 'text/event-stream', ...(token === undefined ? {} : { 'last-event-id': token }) },
      signal: ending,
    })
  }

  /** A roster that has only just started has not found everything yet, and what is late would be told as vanished. */
  async function mustBeReady(ending: AbortSignal): Promise<void> {
    const { status, body } = await wire.open('/ready', { signal: ending })
    await body?.cancel()
    if (status === 503) throw new RosterError(`${wire.origin} is not ready yet`, { status })
  }

  async function bodyOf(response: Response): Promise<ReadableStream<Uint8Array>> {
    if (!response.ok) throw wire.refused(response, await response.text())
    const isStream = /event-stream/.test(response.headers.get('content-type') ?? '')
    if (isStream && response.body) return response.body
    throw new RosterError(`${wire.origin} has no watch: is it an mcp-roster?`, { status: response.status })
  }

  function pauseAfter({ retryAfterMs }: RosterError): number {
    const advised = backoff.failures() === 0 ? advisedMs : undefined
    const own = backoff.next()
    return Math.min(longestPauseMs, Math.max(leastPauseMs, retryAfterMs ?? advised ?? own))
  }

  for (;;) {
    if (signal?.aborted) return
    const failure = yield* attempt()
    if (signal?.aborted) return
    if (!isPassing(failure)) throw failure
    const ms = pauseAfter(failure)
    onPause?.(failure, ms)
    await pause(ms, signal)
  }
}

/** What broke a connection, as the error it is for whoever watches. */
function failureOf(error: unknown, origin: string): RosterError {
  if (error instanceof RosterError) return error
  const why = error instanceof Error ? error.message : String(error)
  if (error instanceof StreamError) return new RosterError(why, { status: 200, cause: error })
  return new RosterError(`the connection to ${origin} is lost: ${why}`, { cause: error })
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(go, ms)
    function go(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', go)
      resolve()
    }
    signal?.addEventListener('abort', go)
    if (signal?.aborted) go()
  })
}
