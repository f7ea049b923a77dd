import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../log.ts'
import { bundledFile } from '../../runtime/bundled-file.ts'
import { isWrite } from '../compare-and-set.ts'
import { registrationId, type StoreDriver } from '../driver.ts'
import { createStorePipeline } from '../pipeline/store-pipeline.ts'
import { type OperationOutcome, type Store, type StoreOperation, StoreRefusal, StoreUnavailable } from '../store.ts'
import { outcomeFromReply } from './commit.ts'
import { assertNeverWritten, createFile } from './database-file.ts'
import type { SqliteOperations } from './database.ts'
import { openLazily } from './lazy-open.ts'
import type { ThreadResponse } from './thread.ts'

const sharedText =
  'another daemon uses this file: each sees what the other writes within a second; for several daemons use PostgreSQL or MySQL'

/** Interval of the check for writes of another process, which costs next to nothing. */
const pollMs = 1000

/**
 * Opens a store in one file, on a thread of its own. Several processes may share the file (an import beside a running
 * daemon, the old and the new daemon during a restart), but not over a network file system.
 */
export async function openSqlite({
  path,
  log,
  mustExist = false,
  isDaemon = false,
}: {
  path: string
  log: Log
  mustExist?: boolean
  /** Another daemon on the same file is logged. */
  isDaemon?: boolean
}): Promise<Store> {
  const file = resolve(path)
  if (mustExist && !existsSync(file)) throw new StoreRefusal(`no store found at ${file}`)
  const open = async () => {
    const { driver, isShared } = await openDriver(file, isDaemon)
    if (isShared) log.warn({ path: file }, sharedText)
    return driver
  }
  const driver = isEmpty(file) ? createEmpty(file, open) : await open()
  return createStorePipeline({ type: 'sqlite', driver, log })
}

/** Creates the empty file, which proves that the path is writable. */
function createEmpty(file: string, open: () => Promise<StoreDriver>): StoreDriver {
  assertNeverWritten(file)
  try {
    createFile(file)
  } catch (error) {
    throw new StoreUnavailable(`${file} cannot be created: ${(error as Error).message}`, { cause: error })
  }
  return openLazily({ isEmpty: async () => isEmpty(file), open, pollMs })
}

function isEmpty(file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined || (stats.isFile() && stats.size === 0)
}

async function openDriver(file: string, isDaemon: boolean) {
  const thread = createThread()
  try {
    const isShared = (await thread.call('open', file, isDaemon)) === true
    return { driver: threadDriver(thread, file), isShared }
  } catch (error) {
    await thread.terminate()
    throw error
  }
}

function threadDriver({ call, terminate }: ReturnType<typeof createThread>, path: string): StoreDriver {
  const method =
    <Name extends keyof SqliteOperations>(name: Name) =>
    (...args: Parameters<SqliteOperations[Name]>) =>
      call(name, ...args) as Promise<ReturnType<SqliteOperations[Name]>>
  const commit = method('commit')
  const differing = method('differing')

  /** A batch of confirmations alone takes no lock and syncs nothing: whole heartbeats of registered agents are thousands. */
  async function confirmAll(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const outcomes: OperationOutcome[] = operations.map(() => ({ type: 'confirmed' }))
    const versions = operations.map(({ expect }) => (typeof expect === 'object' ? expect.version : ''))
    const kinds = operations.map(({ kind }) => kind)
    for (const [at, current] of await differing(kinds, operations.map(registrationId), versions))
      outcomes[at] = { type: 'conflict', current }
    return outcomes
  }

  return {
    head: method('head'),
    page: method('page'),
    commit: async (operations) => {
      if (!operations.some(isWrite)) return confirmAll(operations)
      const replies = await commit(operations)
      return operations.map((operation, index) => outcomeFromReply(replies[index]!, operation))
    },
    writeHeartbeats: method('writeHeartbeats'),
    heartbeats: method('heartbeats'),
    changesSince: method('changesSince'),
    saveReadings: method('saveReadings'),
    readings: method('readings'),
    saveStatistics: method('saveStatistics'),
    statistics: method('statistics'),
    appendEvents: method('appendEvents'),
    events: method('events'),
    pruneEvents: method('pruneEvents'),
    recover: async () => void (await call('open', path)),
    close: async () => {
      await call('close').catch(() => {})
      await terminate()
    },
    pollMs,
  }
}

type PendingCall = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }

/** Calls methods on the thread. After a crash, the next call starts it again. */
function createThread() {
  const pendingCalls = new Map<number, PendingCall>()
  let worker: Worker | undefined
  let lastId = 0

  function start(): Worker {
    const started = new Worker(bundledFile('./thread.ts', { from: import.meta.url, built: 'sqlite-thread.js' }), {
      name: 'store',
      execArgv: [],
    })
    started.on('message', settle)
    started.on('error', (error) => fail(started, `the store's thread failed: ${String(error)}`))
    started.on('exit', () => fail(started, "the store's thread ended"))
    return started
  }

  function settle(response: ThreadResponse): void {
    const { resolve, reject } = pendingCalls.get(response.id)!
    pendingCalls.delete(response.id)
    if ('value' in response) resolve(response.value)
    else reject(errorOf(response.error))
  }

  function fail(failed: Worker, message: string): void {
    if (worker !== failed) return
    worker = undefined
    for (const { reject } of pendingCalls.values()) reject(new StoreUnavailable(message))
    pendingCalls.clear()
  }

  function call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    worker ??= start()
    const id = (lastId += 1)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    worker.postMessage({ id, method, args })
    return new Promise((resolve, reject) => pendingCalls.set(id, { resolve, reject }))
  }

  async function terminate(): Promise<void> {
    const ending = worker
    if (!ending) return
    fail(ending, "the store's thread ended")
    await ending.terminate()
  }

  return { call, terminate }
}

function errorOf({ type, message }: Extract<ThreadResponse, { error: unknown }>['error']): Error {
  if (type === 'unavailable') return new StoreUnavailable(message)
  return type === 'refused' ? new StoreRefusal(message) : new Error(message)
}
