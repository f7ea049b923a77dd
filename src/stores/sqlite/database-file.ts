import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { StoreRefusal, StoreUnavailable } from '../store.ts'

/** A path, and the device and inode of the file there; no file where there is none. */
export type DatabaseFile = { readonly path: string; readonly file: string | undefined }

export function identifyFile(path: string): DatabaseFile {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return { path, file: stats && `${stats.dev} ${stats.ino}` }
}

/** Throws where the file was removed or replaced: an open file can still be written, but the writes would be lost. */
export function assertSameFile({ path, file }: DatabaseFile): void {
  const current = identifyFile(path)
  if (current.file === file) return
  throw new StoreUnavailable(
    current.file === undefined
      ? `${path} was removed while in use; it is being written again`
      : `${path} was replaced while in use: put the old file back, or restart mcp-roster to use the new one`,
  )
}

/** Writes the content of an open database to its former path, whole or not at all, and never over an existing file. */
export function rewriteFile(database: DatabaseSync, { path }: DatabaseFile): void {
  const temporary = `${path}.${process.pid}`
  rmSync(temporary, { force: true }) // An earlier attempt may have been interrupted.
  createFile(temporary)
  database.prepare('VACUUM INTO ?').run(temporary)
  const descriptor = openSync(temporary, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
  // SQLite would apply the log of the old file to the new one.
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  renameSync(temporary, path)
  createFile(path)
}

/** Maximum time between the creation of a file and its last change where nothing was written to it, in ms. */
const maxCreationMs = 1000

/** Refuses an empty file that was written before: its content is lost, which must not look like a registry without entries. */
export function assertNeverWritten(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return
  // Some file systems do not know when a file was created.
  const isChanged = stats.birthtimeMs > 0 && stats.mtimeMs - stats.birthtimeMs > maxCreationMs
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })
  if (!isChanged && !(log && log.size > 0)) return
  throw new StoreRefusal(
    `${path} is empty, but was written before: restore a backup, or delete the file to begin with an empty registry`,
  )
}

/** Creates the file, readable by its owner only from the start. SQLite gives the same mode to the files beside it. */
export function createFile(path: string): void {
  const directory = dirname(path)
  createDirectory(directory)
  const file = openSync(path, 'a', 0o600)
  fchmodSync(file, 0o600) // An existing empty file may be readable by others.
  closeSync(file)
  const entry = openSync(directory, 'r')
  fsyncSync(entry)
  closeSync(entry)
}

/** Level by level: where nothing can be created, such as in `/proc`, the recursive `mkdir` of Node never returns. */
function createDirectory(path: string): void {
  if (existsSync(path)) return
  createDirectory(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}
