import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../log.ts'
import { bundledFile } from '../../runtime/bundled-file.ts'
import type { StoreDriver } from '../driver.ts'
import { createStorePipeline } from '../pipeline/store-pipeline.ts'
import { type Store, StoreRefusal, StoreUnavailable } from '../store.ts'
import { outcomeFromReply } from './commit.ts'
import type { SqliteOperations } from './database.ts'
import { makeFile } from './folder.ts'
import { openLazily } from './lazy-open.ts'
import type { ThreadResponse } from './thread.ts'

/** How often the file is asked whether another process wrote to it, which costs next to nothing. */
const pollMs = 1000

/**
 * Opens a store in one file, on a thread of its own. Several processes may share the file (an import beside a running
 * daemon, the old and the new daemon during a restart), but not over a network file system.
 */
export async function openSqlite({
  path,
  log,
  mustExist = false,
}: {
  path: string
  log: Log
  mustExist?: boolean
}): Promise<Store> {
  const file = resolve(path)
  if (mustExist && !existsSync(file)) throw new StoreRefusal(`there is no store at ${file}`)
  const backend = isEmpty(file) ? asleep(file) : await openBackend(file)
  return createStorePipeline({ type: 'sqlite', backend, log })
}

/** Makes the empty file, which shows that it can be written and that it is ours. */
function asleep(file: string): StoreDriver {
  try {
    makeFile(file)
  } catch (error) {
    throw new StoreUnavailable(`${file} cannot be made: ${(error as Error).message}`, { cause: error })
  }
  return openLazily({ isEmpty: async () => isEmpty(file), open: () => openBackend(file), pollMs })
}

function isEmpty(file: string): boolean {
  const there = statSync(file, { throwIfNoEntry: false })
  return there === undefined || (there.isFile() && there.size === 0)
}

async function openBackend(file: string): Promise<StoreDriver> {
  const thread = createThread()
  try {
    await thread.call('open', file)
  } catch (error) {
    await thread.end()
    throw error
  }
  return backendOn(thread, file)
}

function backendOn({ call, end }: ReturnType<typeof createThread>, path: string): StoreDriver {
  const verb =
    <Name extends keyof SqliteOperations>(name: Name) =>
    (...args: Parameters<SqliteOperations[Name]>) =>
      call(name, ...args) as Promise<ReturnType<SqliteOperations[Name]>>
  const commit = verb('commit')
  return {
    head: verb('head'),
    page: verb('page'),
    commit: async (operations) => {
      const told = await commit(operations)
      return operations.map((operation, at) => outcomeFromReply(told[at]!, operation))
    },
    writeHeartbeats: verb('writeHeartbeats'),
    heartbeats: verb('heartbeats'),
    changesSince: verb('changesSince'),
    saveReadings: verb('saveReadings'),
    readings: verb('readings'),
    recover: async () => void (await call('open', path)),
    close: async () => {
      await call('close').catch(() => {})
      await end()
    },
    pollMs,
  }
}

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }

/** Calls verbs on the thread; one that dies is started anew by the next call. */
function createThread() {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  let ids = 0

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

  function settle(answer: ThreadResponse): void {
    const { resolve, reject } = waiting.get(answer.id)!
    waiting.delete(answer.id)
    if ('value' in answer) resolve(answer.value)
    else reject(errorOf(answer.error))
  }

  function fail(failed: Worker, message: string): void {
    if (worker !== failed) return
    worker = undefined
    for (const { reject } of waiting.values()) reject(new StoreUnavailable(message))
    waiting.clear()
  }

  function call(verb: string, ...args: readonly unknown[]): Promise<unknown> {
    worker ??= start()
    const id = (ids += 1)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    worker.postMessage({ id, verb, args })
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  }

  async function end(): Promise<void> {
    const ending = worker
    if (!ending) return
    fail(ending, "the store's thread ended")
    await ending.terminate()
  }

  return { call, end }
}

function errorOf({ type, message }: Extract<ThreadResponse, { error: unknown }>['error']): Error {
  if (type === 'unavailable') return new StoreUnavailable(message)
  return type === 'refused' ? new StoreRefusal(message) : new Error(message)
}
