import { SourceError } from '../../model/source.ts'
import { createParseThread, type ParseThread, CostlyDocumentError } from './parse-thread.ts'
import type { TextFormat } from './parse.ts'
import type { ServerListing } from './server-listing.ts'

/** Parses a text off the main thread; withdraws it when `signal` aborts before its turn. */
export type Parse = (text: string, format: TextFormat, signal?: AbortSignal) => Promise<ServerListing>

type Waiting = { readonly run: () => Promise<void> }

type Queue = {
  readonly waiting: Set<Waiting>
  /** Parse time used, in ms. It counts from what the least busy source had used when this one came. */
  used: number
  /** Texts that took too much time or memory, one after another. */
  costly: number
  lastCostlyAt: number
}

/** Pause before a source is read again whose text took too much, in seconds. Doubles with each further one. */
const minPauseSeconds = 50
const maxPauseSeconds = 600
/** Time without such a text after which a source starts with the minimum again, in ms. */
const forgivenessMs = 3_600_000

/**
 * Shares one parser thread among sources by the time that they use: the next text is of the source that has used least. A
 * source with slow texts waits for the others, not they for it.
 */
export function createParseScheduler({
  thread,
  backsOff = false,
  now = () => performance.now(),
}: {
  thread: Pick<ParseThread, 'parse'>
  /** Whether a source pauses after a text that takes too much time or memory. */
  backsOff?: boolean
  now?: () => number
}) {
  const busy = new Set<Queue>()
  let isRunning = false
  /** The time that the source served last had used. */
  let current = 0

  async function run(): Promise<void> {
    if (isRunning) return
    isRunning = true
    for (;;) {
      const [queue] = [...busy].toSorted((one, other) => one.used - other.used)
      const [next] = queue?.waiting ?? []
      if (!queue || !next) break
      queue.waiting.delete(next)
      current = queue.used
      const startedAt = now()
      await next.run()
      queue.used += now() - startedAt
      if (queue.waiting.size === 0) busy.delete(queue)
    }
    isRunning = false
  }

  /** A queue of its own for a source. */
  function createQueue(): Parse {
    const queue: Queue = { waiting: new Set(), used: 0, costly: 0, lastCostlyAt: -Infinity }

    function explain(error: unknown): unknown {
      if (!backsOff || !(error instanceof CostlyDocumentError)) return error
      queue.costly = now() - queue.lastCostlyAt > forgivenessMs ? 1 : queue.costly + 1
      queue.lastCostlyAt = now()
      const pause = Math.min(maxPauseSeconds, minPauseSeconds * 2 ** (queue.costly - 1))
      return new SourceError(`${error.message}; not read again for ${pause} s`, {
        class: 'config',
        retry_after: pause,
        cause: error,
      })
    }

    return (text, format, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<ServerListing>()
      const one: Waiting = {
        async run() {
          signal?.removeEventListener('abort', withdraw)
          await thread.parse(text, format).then(resolve, (error: unknown) => reject(explain(error)))
        },
      }
      const withdraw = () => {
        queue.waiting.delete(one)
        if (queue.waiting.size === 0) busy.delete(queue)
        reject(new SourceError('read interrupted'))
      }
      signal?.addEventListener('abort', withdraw, { once: true })
      if (signal?.aborted) {
        withdraw()
        return promise
      }
      if (queue.waiting.size === 0 && !busy.has(queue)) queue.used = Math.max(queue.used, current)
      queue.waiting.add(one)
      busy.add(queue)
      void run()
      return promise
    }
  }

  return { createQueue }
}

/**
 * Texts of this machine and texts from elsewhere have a thread each, so that the local ones never wait for the others. What
 * comes from elsewhere gets less memory, unless the operator raised the size of its documents.
 */
const threads = {
  local: createParseThread(),
  remote: createParseThread({ heapMb: 96 }),
  raised: createParseThread(),
}
const schedulers = {
  local: createParseScheduler({ thread: threads.local }),
  remote: createParseScheduler({ thread: threads.remote, backsOff: true }),
  raised: createParseScheduler({ thread: threads.raised, backsOff: true }),
}

/** A queue for the texts of one source. */
export function createParseQueue(place: keyof typeof schedulers): Parse {
  return schedulers[place].createQueue()
}

export const parseThreads = {
  isRunning: (place: keyof typeof threads) => threads[place].isRunning(),
  end: async (): Promise<void> => {
    await Promise.all(Object.values(threads).map((thread) => thread.end()))
  },
}
