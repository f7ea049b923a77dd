/**
 * The entry of the store's own thread: a slow disk stalls it and nobody else.
 *
 * It is an entry point of the bundle too, named `sqlite-thread` beside the chunks.
 */

import type { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'
import { StoreRefusal, StoreUnavailable } from '../store.ts'
import { assertSameFile, type DatabaseFile, identifyFile, rewriteFile } from './database-file.ts'
import { createSqliteOperations, type SqliteOperations } from './database.ts'
import { isDamaged, openDatabase } from './open-database.ts'

export type ThreadRequest = { readonly id: number; readonly verb: string; readonly args: readonly unknown[] }
export type ThreadResponse = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: { readonly type: 'unavailable' | 'refused' | 'other'; readonly message: string } }
)

let path = ''
/** Where the database was when it was opened last. */
let place: DatabaseFile | undefined
let database: DatabaseSync | undefined
let verbs: SqliteOperations | undefined

/**
 * Opens, or opens again: after a failed write SQLite's own view may differ from what is on disk. Writing shows that the
 * disk takes it.
 */
function open(): void {
  if (database && place) {
    if (identifyFile(path).file === undefined) rewriteFile(database, place)
    else assertSameFile(place)
  }
  shut()
  database = openDatabase(path)
  place = identifyFile(path)
  verbs = createSqliteOperations(database)
  verbs.touch()
}

function shut(): void {
  const closing = database
  database = undefined
  verbs = undefined
  closing?.close()
}

const writing: ReadonlySet<string> = new Set<keyof SqliteOperations>(['commit', 'writeHeartbeats', 'saveReadings'])

function carryOut({ verb, args }: ThreadRequest): unknown {
  if (verb === 'open') {
    path = String(args[0])
    return open()
  }
  if (verb === 'close') return shut()
  if (!verbs || !place) throw new StoreUnavailable(`${path} is not open`)
  if (writing.has(verb)) assertSameFile(place)
  const work = verbs[verb as keyof SqliteOperations] as (...args: readonly unknown[]) => unknown
  return work(...args)
}

/** Primary result codes of SQLite that speak of the place, not of the statement. */
const unavailable: Readonly<Record<number, string>> = {
  5: 'is locked by another process',
  6: 'is locked',
  7: 'cannot be used: out of memory',
  8: 'is read-only',
  10: 'cannot be read or written (disk error)',
  11: 'is damaged: stop mcp-roster, move the file away and restore a backup',
  13: 'cannot be written: the disk is full',
  14: 'cannot be opened',
  26: 'is no SQLite database any more: restore a backup',
}

function problemOf(error: unknown): { type: 'unavailable' | 'refused' | 'other'; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof StoreRefusal) return { type: 'refused', message }
  if (error instanceof StoreUnavailable) return { type: 'unavailable', message }
  const said = error instanceof Error && 'errcode' in error ? unavailable[Number(error.errcode) & 0xff] : undefined
  if (said !== undefined || isDamaged(error)) return { type: 'unavailable', message: `${path} ${said ?? message}` }
  const isFile = error instanceof Error && 'syscall' in error
  return { type: isFile ? 'unavailable' : 'other', message }
}

function answer(message: ThreadResponse): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort?.postMessage(message)
}

parentPort?.on('message', (ask: ThreadRequest) => {
  try {
    answer({ id: ask.id, value: carryOut(ask) })
  } catch (error) {
    answer({ id: ask.id, error: problemOf(error) })
  }
})
