import { createBackoff } from '../../flow/backoff.ts'
import { readLines } from '../../flow/bytes/line-reader.ts'
import { forEachYielding } from '../../flow/cooperative.ts'
import { type Sighting, SourceError, type SourceRun } from '../../model/source.ts'
import { asSourceError, type createRemoteApi, type RemoteCredentials, UnwatchableError } from './remote-api.ts'
import type { RemoteServers } from './remote-servers.ts'
import type { TransferOptions } from './transferred-server.ts'
import { createWatchDecoder, parseRosterWatchEvent } from './watch-decoder.ts'

/** Maximum length of one watch event: a server with all of its capabilities. */
const maxLineBytes = 8 * 1024 * 1024

/** Number of polls after which the watch is tried again. */
const pollsBeforeWatch = 10

/** Maximum delay, in milliseconds, before a watch is reopened; random, so that many followers do not return at once. */
const maxReconnectMs = 1000

/** Maximum delay, in milliseconds, that a `Retry-After` can cause. */
const maxRetryAfterMs = 3_600_000

/** Maximum time, in milliseconds, without a sighting while the source waits for its next attempt. */
const maxSilentWaitMs = 60_000

/**
 * Follows another roster: by its watch if possible, else by polling its list.
 *
 * A broken connection is reopened from the last token, without a sighting. Only if that fails do all servers become stale,
 * until a complete picture has arrived.
 */
export function followRoster({
  servers,
  remote,
  loadCredentials,
  transferOptions,
  intervalMs,
  backoff = createBackoff(),
}: {
  servers: RemoteServers
  remote: ReturnType<typeof createRemoteApi>
  /** Called for each attempt, so that a rotated token takes effect. */
  loadCredentials: () => Promise<RemoteCredentials>
  transferOptions: (remoteInstance: string) => TransferOptions
  intervalMs: number
  backoff?: ReturnType<typeof createBackoff>
}) {
  return async function* (run: SourceRun): AsyncGenerator<Sighting, void, undefined> {
    const { signal, wake } = run
    let token: string | undefined
    let closeWatch: (() => void) | undefined
    let isListening = false

    /** Closes the watch at a refresh. Listens once at a time: otherwise each watch would leave a listener behind. */
    async function closeOnRefresh(): Promise<void> {
      if (isListening) return
      isListening = true
      await wake.wait()
      isListening = false
      closeWatch?.()
    }

    /** Reads the watch until it ends, or until a refresh. */
    async function* watch(
      options: TransferOptions,
      credentials: RemoteCredentials,
      unread: readonly string[],
    ): AsyncGenerator<Sighting, void, undefined> {
      const controller = new AbortController()
      const stream = await remote.watch(token, credentials, AbortSignal.any([signal, controller.signal]))
      closeWatch = stream.close
      void closeOnRefresh()
      const decoder = createWatchDecoder(servers, options, { isFresh: token === undefined, unread })
      let hasBegun = false
      try {
        for await (const line of readLines(stream.body, { maxLineBytes, tooLong })) {
          hasBegun = true
          const event = parseRosterWatchEvent(line)
          if (event.type === 'CLOSED') return
          const sighting = decoder.decode(event, line.length)
          token = decoder.token()
          if (sighting) yield sighting
        }
        // A proxy in between cuts the watch; the next one would end the same way.
        if (!hasBegun || token === undefined) throw new UnwatchableError('ended before its first event')
      } finally {
        controller.abort()
        stream.close()
      }
    }

    async function* poll(
      options: TransferOptions,
      reason: string,
      unread: readonly string[],
    ): AsyncGenerator<Sighting, void, undefined> {
      const note = `polling every ${Math.round(intervalMs / 1000)} s: the watch ${reason}`
      token = undefined
      let etag: string | undefined
      for (let polls = 0; polls < pollsBeforeWatch && !signal.aborted; polls += 1) {
        if (polls > 0) {
          await wake.wait(intervalMs * (0.9 + 0.1 * Math.random()))
          if (signal.aborted) return
          wake.take()
        }
        const list = await remote.list(etag, await loadCredentials(), signal)
        if (list === 'unchanged') {
          yield { type: 'alive', note }
          continue
        }
        etag = list.etag
        const replacement = servers.startReplacement(unread)
        const bytesEach = list.bytes / Math.max(1, list.servers.length)
        await forEachYielding(list.servers, (server) => replacement.put(server, options, bytesEach))
        yield { ...replacement.commit(), note }
      }
    }

    /** Waits, with a sighting now and then, so that the supervisor does not restart the source. */
    async function* waitSighted(ms: number): AsyncGenerator<Sighting, void, undefined> {
      for (let left = ms; left > 0; left -= maxSilentWaitMs) {
        await wake.wait(Math.min(left, maxSilentWaitMs))
        if (signal.aborted || wake.raised()) return
        if (left > maxSilentWaitMs) yield { type: 'alive', waits: true }
      }
    }

    async function* attempt(): AsyncGenerator<Sighting, void, undefined> {
      const credentials = await loadCredentials()
      const { instance, unread } = await remote.identify(credentials, signal)
      const options = transferOptions(instance)
      if (options.isOwnInstance(instance))
        throw new SourceError('the URL leads to this registry itself', { class: 'config' })
      try {
        yield* watch(options, credentials, unread)
      } catch (error) {
        if (!(error instanceof UnwatchableError)) throw error
        yield* poll(options, error.message, unread)
      }
    }

    let hasSucceeded = false
    while (!signal.aborted) {
      if (wake.raised()) token = undefined
      wake.take()
      try {
        for await (const sighting of attempt()) {
          if (signal.aborted) return
          hasSucceeded = true
          backoff.reset()
          yield sighting
        }
        await wake.wait(Math.random() * maxReconnectMs)
      } catch (error) {
        if (signal.aborted) return
        if (wake.raised()) continue
        // A connection that broke after a good start is reopened soon, without an error.
        const wasGood = hasSucceeded
        hasSucceeded = false
        if (wasGood && !isDefinite(error)) {
          await wake.wait(Math.random() * maxReconnectMs)
          continue
        }
        token = undefined
        const failure = asSourceError(error)
        yield servers.failed(failure)
        yield* waitSighted(Math.max(backoff.next(), Math.min((failure.retry_after ?? 0) * 1000, maxRetryAfterMs)))
      }
    }
  }
}

const tooLong = () => new SourceError(`watch event exceeds ${maxLineBytes} bytes`)

/** Whether the remote roster itself stated the problem, so that an immediate retry is useless. */
function isDefinite(error: unknown): boolean {
  return error instanceof SourceError && error.class !== 'transient'
}
