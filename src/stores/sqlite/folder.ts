import { closeSync, existsSync, fchmodSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** The file is ours alone from its first moment; SQLite gives what it makes beside it the same mode. */
export function makeFile(path: string): void {
  const directory = dirname(path)
  makeFolder(directory)
  const file = openSync(path, 'a', 0o600)
  fchmodSync(file, 0o600) // it may have been there, empty and open to others
  closeSync(file)
  const entry = openSync(directory, 'r')
  fsyncSync(entry)
  closeSync(entry)
}

/** Level by level: where nothing can be made, as in `/proc`, the recursive `mkdir` of Node never comes back. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}
