import { createBackoff } from '../../flow/backoff.ts'
import { forEachYielding } from '../../flow/cooperative.ts'
import { readLines } from '../../flow/line-reader.ts'
import { type SourceRun, type Sighting, SourceError } from '../../model/source.ts'
import { type RemoteRequest, asSourceError, type createRemoteApi, UnwatchableError } from './remote-api.ts'
import type { RemoteServers } from './remote-servers.ts'
import type { TransferOptions } from './transferred-server.ts'

type Told = { readonly type?: unknown; readonly token?: unknown; readonly server?: unknown }

/** Maximum length of one watch event: a server with all of its capabilities. */
const maxLineBytes = 8 * 1024 * 1024

/** After so many polls it is tried again whether the roster can be watched. */
const pollsBeforeWatch = 10

/** A watch that ended is begun anew within this time, not by all who followed at once. */
const reconnectMs = 1000

/** A `Retry-After` longer than this is no request but a refusal. */
const longestPatienceMs = 3_600_000

/** Whoever waits longer says meanwhile that it waits. */
const longestNapMs = 60_000

/**
 * Follows another roster: by its watch where it can be had, else by asking for its list.
 *
 * A connection that breaks is made again from the last token, and nobody hears of it; only where that fails is everything
 * known stale, until a whole picture has come.
 */
export function followRoster({
  known,
  far,
  asking,
  terms,
  intervalMs,
  backoff = createBackoff(),
}: {
  known: RemoteServers
  far: ReturnType<typeof createRemoteApi>
  /** Read afresh for each look, so that a rotated token is followed. */
  asking: () => Promise<RemoteRequest>
  terms: (far: string) => TransferOptions
  intervalMs: number
  backoff?: ReturnType<typeof createBackoff>
}) {
  return async function* (run: SourceRun): AsyncGenerator<Sighting, void, undefined> {
    const { signal, wake } = run
    let token: string | undefined
    let close: (() => void) | undefined
    let isListening = false

    /** Lets go of the watch when somebody asks for a fresh look. One ear: each watch would leave one more behind. */
    async function listen(): Promise<void> {
      if (isListening) return
      isListening = true
      await wake.wait()
      isListening = false
      close?.()
    }

    /** Reads the watch until it ends, or until somebody asks for a fresh look. */
    async function* watching(ours: TransferOptions, asked: RemoteRequest): AsyncGenerator<Sighting, void, undefined> {
      const stop = new AbortController()
      const stream = await far.watch(token, asked, AbortSignal.any([signal, stop.signal]))
      close = stream.close
      void listen()
      const telling = createTelling(known, ours, { isFresh: token === undefined })
      let hasBegun = false
      try {
        for await (const line of readLines(stream.body, { maxLineBytes, tooLong })) {
          hasBegun = true
          const told = parsed(line)
          if (told.type === 'CLOSED') return
          const sighting = telling.tell(told)
          token = telling.token()
          if (sighting) yield sighting
        }
        // Something between us cuts it off: begun again, it would end again.
        if (!hasBegun || token === undefined) throw new UnwatchableError('ends before it has begun')
      } finally {
        stop.abort()
        stream.close()
      }
    }

    async function* polling(ours: TransferOptions, why: string): AsyncGenerator<Sighting, void, undefined> {
      const note = `asking every ${Math.round(intervalMs / 1000)} s: it cannot be watched, it ${why}`
      token = undefined
      let etag: string | undefined
      for (let polls = 0; polls < pollsBeforeWatch && !signal.aborted; polls += 1) {
        if (polls > 0) {
          await wake.wait(intervalMs * (0.9 + 0.1 * Math.random()))
          if (signal.aborted) return
          wake.take()
        }
        const list = await far.list(etag, await asking(), signal)
        if (list === 'unchanged') {
          yield { type: 'alive', note }
          continue
        }
        etag = list.etag
        const renewed = known.renew()
        await forEachYielding(list.servers, (server) => renewed.put(server, ours))
        yield { ...renewed.take(), note }
      }
    }

    /** Waits, and says so now and then, so that nobody takes it for hung. */
    async function* resting(ms: number): AsyncGenerator<Sighting, void, undefined> {
      for (let left = ms; left > 0; left -= longestNapMs) {
        await wake.wait(Math.min(left, longestNapMs))
        if (signal.aborted || wake.raised()) return
        if (left > longestNapMs) yield { type: 'alive', waits: true }
      }
    }

    async function* looking(): AsyncGenerator<Sighting, void, undefined> {
      const asked = await asking()
      const instance = await far.greet(asked, signal)
      const ours = terms(instance)
      if (ours.isOwnInstance(instance)) throw new SourceError('is this very registry', { class: 'config' })
      try {
        yield* watching(ours, asked)
      } catch (error) {
        if (!(error instanceof UnwatchableError)) throw error
        yield* polling(ours, error.message)
      }
    }

    let good = false
    while (!signal.aborted) {
      if (wake.raised()) token = undefined
      wake.take()
      try {
        for await (const sighting of looking()) {
          if (signal.aborted) return
          good = true
          backoff.reset()
          yield sighting
        }
        await wake.wait(Math.random() * reconnectMs)
      } catch (error) {
        if (signal.aborted) return
        if (wake.raised()) continue
        // One that broke while it was read is made again soon, as if nothing had been.
        const wasGood = good
        good = false
        if (wasGood && !isAnswer(error)) {
          await wake.wait(Math.random() * reconnectMs)
          continue
        }
        token = undefined
        const failure = asSourceError(error)
        yield known.failed(failure)
        yield* resting(Math.max(backoff.next(), Math.min((failure.retry_after ?? 0) * 1000, longestPatienceMs)))
      }
    }
  }
}

/** Whether the far side said itself what is wrong, so that asking again at once is of no use. */
function isAnswer(error: unknown): boolean {
  return error instanceof SourceError && error.class !== 'transient'
}

const tooLong = () => new SourceError(`watch event exceeds ${maxLineBytes} bytes`)

/** Puts together what a watch tells: a picture until its bookmark, then one change for each revision. */
function createTelling(known: RemoteServers, terms: TransferOptions, { isFresh }: { isFresh: boolean }) {
  let token: string | undefined
  let renewing = isFresh ? known.renew() : undefined
  let events: { type: string; server: unknown }[] = []

  function tell({ type, token: said, server }: Told): Sighting | undefined {
    const mark = typeof said === 'string' ? said : undefined
    if (type === 'RESYNC') {
      renewing = known.renew()
      events = []
      token = undefined
      return undefined
    }
    if (type === 'BOOKMARK') {
      token = mark
      const picture = renewing?.take()
      renewing = undefined
      return picture ?? { type: 'alive' }
    }
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return undefined
    if (renewing) {
      renewing.put(server, terms)
      return undefined
    }
    events.push({ type, server })
    if (mark === undefined) return undefined
    const change = known.change(events, terms)
    events = []
    token = mark
    return change
  }

  return { tell, token: () => token }
}

function parsed(line: string): Told {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Told below: nothing of what was sent may be in a message.
  }
  throw new SourceError('sends something in its watch that is no event')
}
