import { Worker } from 'node:worker_threads'
import { type Entry, SourceError } from '../../model/source.ts'
import { bundledFile } from '../../runtime/bundled-file.ts'
import type { ParseResponse, ParseRequest } from './parse-worker.ts'
import type { TextFormat } from './parse.ts'
import type { ServerListing } from './server-listing.ts'

export type ParseThreadOptions = {
  /** A text that takes more work is refused, and its thread ended: milliseconds of processor time. */
  readonly workMs?: number
  /** The thread is ended when it had nothing to do for this long. */
  readonly idleMs?: number
}

/** A thread that gets next to nothing of a busy machine is waited for this many times as long as it may work. */
const patience = 12

/**
 * Aborts once the thread has worked for `workMs`. It is the work that counts: on a busy machine, or in a container with a
 * tenth of a processor, a good text takes long, too.
 */
function watch(thread: Worker, workMs: number) {
  const over = new AbortController()
  const nothing = { user: 0, system: 0 }
  const began = thread.cpuUsage().catch(() => nothing) // where it does not run yet
  let next = setTimeout(() => void look(), workMs)
  const last = setTimeout(() => over.abort(), patience * workMs)

  async function look(): Promise<void> {
    const before = await began
    const { user, system } = await thread.cpuUsage(before).catch(() => nothing)
    const left = workMs - (user + system) / 1000
    if (left <= 0) over.abort()
    else if (!over.signal.aborted) next = setTimeout(() => void look(), left)
  }

  return {
    signal: over.signal,
    [Symbol.dispose]() {
      over.abort()
      clearTimeout(next)
      clearTimeout(last)
    },
  }
}

/** Parses texts on a thread of its own, one after another. The thread is started by the first text, and again after a failure. */
export function createParseThread({ workMs = 5000, idleMs = 10_000 }: ParseThreadOptions = {}) {
  let worker: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  function parse(text: string, format: TextFormat): Promise<ServerListing> {
    const mine = last.then(() => parseNow(text, format))
    last = mine.catch(() => undefined)
    return mine
  }

  async function parseNow(text: string, format: TextFormat): Promise<ServerListing> {
    clearTimeout(idle)
    worker ??= new Worker(bundledFile('./parse-worker.ts', { from: import.meta.url, built: 'parse-worker.js' }), {
      name: 'parse',
      execArgv: [],
      env: {},
      // With a small young generation the thread leaves 50 MB less behind, and takes no longer.
      resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 },
    })
    // Whoever waits for an answer keeps the process alive; a thread at rest does not.
    worker.ref()
    using watched = watch(worker, workMs)
    const { signal } = watched
    try {
      const parts: Entry[] = []
      let answer = await asked(worker, { type: 'parse', text, format }, signal)
      while (answer.type === 'part') {
        for (const entry of answer.entries) parts.push(entry)
        answer = await asked(worker, { type: 'more' }, signal)
      }
      if (answer.type === 'error') throw new SourceError(answer.message, answer)
      return { ...answer.listing, entries: [...parts, ...answer.listing.entries] }
    } finally {
      rest()
    }
  }

  async function asked(thread: Worker, question: ParseRequest, signal: AbortSignal): Promise<ParseResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<ParseResponse>()
    const die = (error: SourceError) => {
      if (worker === thread) worker = undefined
      void thread.terminate()
      reject(error)
    }
    const late = () => die(new SourceError(`takes more than ${workMs / 1000} s to parse`, { class: 'config' }))
    const broken = (cause: unknown) =>
      die(new SourceError('needs more memory to parse than it may have', { class: 'config', cause }))
    const ended = () => die(new SourceError('could not be parsed: the thread that parses ended'))
    thread.once('message', resolve).once('error', broken).once('exit', ended)
    signal.addEventListener('abort', late)
    if (signal.aborted) late()
    thread.postMessage(question, [])
    try {
      return await promise
    } finally {
      thread.off('message', resolve).off('error', broken).off('exit', ended)
      signal.removeEventListener('abort', late)
    }
  }

  function rest(): void {
    worker?.unref()
    idle = setTimeout(() => void end(), idleMs).unref()
  }

  async function end(): Promise<void> {
    const thread = worker
    worker = undefined
    await thread?.terminate()
  }

  return { parse, running: () => worker !== undefined, end }
}

/** The one thread that all sources share. */
export const sharedParseThread = createParseThread()
