import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '../store.ts'
import { makeFile } from './folder.ts'

/** Which file lies at a path. */
export type DatabaseFile = { readonly path: string; readonly file: string | undefined }

/** Which file lies at a path now. */
export function identifyFile(path: string): DatabaseFile {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false })
  return { path, file: there && `${there.dev} ${there.ino}` }
}

/** A file that was taken away can be written for as long as it is open, and is gone with whoever holds it open. */
export function assertSameFile({ path, file }: DatabaseFile): void {
  const now = identifyFile(path)
  if (now.file === file) return
  throw new StoreUnavailable(
    now.file === undefined
      ? `${path} was removed while it was in use, and is written anew`
      : `${path} was replaced while it was in use: put the old file back, or restart mcp-roster to go on with this one`,
  )
}

/** Writes what an open database holds to where its file has been. Whole or not at all, and never over anything. */
export function rewriteFile(database: DatabaseSync, { path }: DatabaseFile): void {
  const beside = `${path}.${process.pid}`
  rmSync(beside, { force: true }) // an attempt may have broken off
  makeFile(beside)
  database.prepare('VACUUM INTO ?').run(beside)
  const written = openSync(beside, 'r+')
  fsyncSync(written)
  closeSync(written)
  // What SQLite kept beside the old file would be taken for news of the new one.
  for (const rest of ['-wal', '-shm']) rmSync(`${path}${rest}`, { force: true })
  renameSync(beside, path)
  makeFile(path)
}
