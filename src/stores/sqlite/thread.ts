/**
 * The entry of the store's thread, so that a slow disk blocks only the store.
 *
 * It is also an entry point of the bundle, named `sqlite-thread` beside the chunks.
 */

import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'
import { createLineage } from '../sql/lineage.ts'
import { StoreRefusal, StoreUnavailable } from '../store.ts'
import { assertSameFile, createFile, type DatabaseFile, identifyFile, rewriteFile } from './database-file.ts'
import { createSqliteOperations, type SqliteOperations } from './database.ts'
import { isDamaged, openDatabase } from './open-database.ts'

export type ThreadRequest = { readonly id: number; readonly method: string; readonly args: readonly unknown[] }
export type ThreadResponse = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: { readonly type: 'unavailable' | 'refused' | 'other'; readonly message: string } }
)

let path = ''
/** The file of the database when it was last opened. */
let openedFile: DatabaseFile | undefined
let database: DatabaseSync | undefined
let operations: SqliteOperations | undefined
/** Holds the lock by which a second daemon notices this one. */
let daemonLock: DatabaseSync | undefined
/** Outlives a reopening. */
const lineage = createLineage()

/**
 * Opens the database, or reopens it: after a failed write, SQLite's view may differ from the disk. The write at the end
 * proves that the disk takes writes.
 */
function open(): void {
  if (database && openedFile) {
    if (identifyFile(path).file === undefined) rewriteFile(database, openedFile)
    else assertSameFile(openedFile)
  }
  close()
  database = openDatabase(path)
  openedFile = identifyFile(path)
  operations = createSqliteOperations(database, lineage)
  operations.touch()
}

/**
 * Whether another daemon has the file open: the first one holds a lock beside it, which ends with its process. A file beside, since
 * the database itself is shared with commands.
 */
function isSharedWithDaemon(): boolean {
  if (daemonLock) return false
  const file = `${path}.lock`
  let lock: DatabaseSync | undefined
  try {
    createFile(file)
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    daemonLock = lock
    return false
  } catch (error) {
    lock?.close()
    return error instanceof Error && 'errcode' in error && error.errcode === 5
  }
}

function close(): void {
  const closing = database
  database = undefined
  operations = undefined
  closing?.close()
}

const writeMethods: ReadonlySet<string> = new Set<keyof SqliteOperations>([
  'commit',
  'writeHeartbeats',
  'saveReadings',
  'saveStatistics',
  'appendEvents',
  'pruneEvents',
])

function execute({ method, args }: ThreadRequest): unknown {
  if (method === 'open') {
    path = String(args[0])
    open()
    return args[1] === true && isSharedWithDaemon()
  }
  if (method === 'close') {
    daemonLock?.close()
    daemonLock = undefined
    return close()
  }
  if (!operations || !openedFile) throw new StoreUnavailable(`${path} is not open`)
  if (writeMethods.has(method)) assertSameFile(openedFile)
  const operation = operations[method as keyof SqliteOperations] as (...args: readonly unknown[]) => unknown
  return operation(...args)
}

/** Primary result codes of SQLite that are about the file or the machine, not about the statement. */
const outageCodes: Readonly<Record<number, string>> = {
  5: 'is locked by another process',
  6: 'is locked',
  7: 'cannot be used: out of memory',
  8: 'is read-only',
  10: 'cannot be read or written (disk error)',
  11: 'is damaged: stop mcp-roster, move the file away and restore a backup',
  13: 'cannot be written: the disk is full',
  14: 'cannot be opened',
  26: 'is no longer a SQLite database: restore a backup',
}

function describeError(error: unknown): { type: 'unavailable' | 'refused' | 'other'; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof StoreRefusal) return { type: 'refused', message }
  if (error instanceof StoreUnavailable) return { type: 'unavailable', message }
  const outage = error instanceof Error && 'errcode' in error ? outageCodes[Number(error.errcode) & 0xff] : undefined
  if (outage !== undefined || isDamaged(error)) return { type: 'unavailable', message: `${path} ${outage ?? message}` }
  const isFileError = error instanceof Error && 'syscall' in error
  return { type: isFileError ? 'unavailable' : 'other', message }
}

function respond(message: ThreadResponse): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort?.postMessage(message)
}

parentPort?.on('message', (request: ThreadRequest) => {
  try {
    respond({ id: request.id, value: execute(request) })
  } catch (error) {
    respond({ id: request.id, error: describeError(error) })
  }
})
