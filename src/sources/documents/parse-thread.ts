import { Worker } from 'node:worker_threads'
import { type Entry, SourceError } from '../../model/source.ts'
import { bundledFile } from '../../runtime/bundled-file.ts'
import type { ParseRequest, ParseResponse } from './parse-worker.ts'
import type { TextFormat } from './parse.ts'
import type { ServerListing } from './server-listing.ts'

export type ParseThreadOptions = {
  /** Maximum processor time for one text, in milliseconds. A text that needs more is rejected. */
  readonly cpuMs?: number
  /** Maximum heap of the thread, in MiB. YAML takes some 100 bytes for each of the text. */
  readonly heapMb?: number
  /** The thread ends after this many milliseconds without work. */
  readonly idleMs?: number
}

/** A text took more than its processor time or memory. */
export class CostlyDocumentError extends SourceError {
  override name = 'CostlyDocumentError'
}

/** Maximum wall time of one text, as a multiple of its maximum processor time. */
const wallTimeFactor = 12

/**
 * Aborts once the thread has used `cpuMs` of processor time. Wall time would reject good texts on a busy machine, or in a
 * container with a tenth of a processor.
 */
function limitCpuTime(thread: Worker, cpuMs: number) {
  const controller = new AbortController()
  const noUsage = { user: 0, system: 0 }
  const initial = thread.cpuUsage().catch(() => noUsage) // A thread that is still starting rejects.
  let nextCheck = setTimeout(() => void check(), cpuMs)
  const wallLimit = setTimeout(() => controller.abort(), wallTimeFactor * cpuMs)

  async function check(): Promise<void> {
    const before = await initial
    const { user, system } = await thread.cpuUsage(before).catch(() => noUsage)
    const leftMs = cpuMs - (user + system) / 1000
    if (leftMs <= 0) controller.abort()
    else if (!controller.signal.aborted) nextCheck = setTimeout(() => void check(), leftMs)
  }

  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      controller.abort()
      clearTimeout(nextCheck)
      clearTimeout(wallLimit)
    },
  }
}

export type ParseThread = ReturnType<typeof createParseThread>

/** Parses texts on a thread, one at a time: the caller waits for each. The first text starts the thread, and so does the first after a failure. */
export function createParseThread({ cpuMs = 5000, heapMb = 512, idleMs = 10_000 }: ParseThreadOptions = {}) {
  let worker: Worker | undefined
  let idleTimer: NodeJS.Timeout | undefined

  async function parse(text: string, format: TextFormat): Promise<ServerListing> {
    clearTimeout(idleTimer)
    worker ??= new Worker(bundledFile('./parse-worker.ts', { from: import.meta.url, built: 'parse-worker.js' }), {
      name: 'parse',
      execArgv: [],
      env: {},
      // With a small young generation the thread leaves 50 MB less behind, and takes no longer.
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 4 },
    })
    // A pending text keeps the process alive; an idle thread does not.
    worker.ref()
    using limit = limitCpuTime(worker, cpuMs)
    const { signal } = limit
    try {
      const entries: Entry[] = []
      let response = await request(worker, { type: 'parse', text, format }, signal)
      while (response.type === 'part') {
        for (const entry of response.entries) entries.push(entry)
        response = await request(worker, { type: 'more' }, signal)
      }
      if (response.type === 'error') throw new SourceError(response.message, response)
      return { ...response.listing, entries: [...entries, ...response.listing.entries] }
    } finally {
      startIdleTimer()
    }
  }

  async function request(thread: Worker, message: ParseRequest, signal: AbortSignal): Promise<ParseResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<ParseResponse>()
    const fail = (error: SourceError) => {
      if (worker === thread) worker = undefined
      void thread.terminate()
      reject(error)
    }
    const onAbort = () =>
      fail(new CostlyDocumentError(`document takes more than ${cpuMs / 1000} s to parse`, { class: 'config' }))
    const onError = (cause: unknown) =>
      fail(new CostlyDocumentError('document needs too much memory to parse', { class: 'config', cause }))
    const onExit = () => fail(new SourceError('parsing failed: the parser thread ended'))
    thread.once('message', resolve).once('error', onError).once('exit', onExit)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    thread.postMessage(message, [])
    try {
      return await promise
    } finally {
      thread.off('message', resolve).off('error', onError).off('exit', onExit)
      signal.removeEventListener('abort', onAbort)
    }
  }

  function startIdleTimer(): void {
    worker?.unref()
    idleTimer = setTimeout(() => void end(), idleMs).unref()
  }

  async function end(): Promise<void> {
    const thread = worker
    worker = undefined
    await thread?.terminate()
  }

  return { parse, isRunning: () => worker !== undefined, end }
}
