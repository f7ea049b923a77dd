import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, stat } from 'node:fs/promises'
import { SourceError } from '../../model/source.ts'
import { tooBig } from '../documents/read.ts'
import { isGone } from './listing.ts'

/** What the file system says of a path, without opening it. `signature` stays equal while nothing is written. */
export type Stated =
  | { readonly type: 'file'; readonly size: number; readonly signature: string; readonly fresh: boolean }
  | { readonly type: 'gone' }
  | { readonly type: 'error'; readonly error: SourceError }

/** The bytes of a file. `moving`: it was written since it was looked at. */
export type Contents =
  | { readonly type: 'bytes'; readonly bytes: Buffer; readonly hash: string; readonly moving: boolean }
  | { readonly type: 'gone' }
  | { readonly type: 'error'; readonly error: SourceError }

/** A clock of files ticks coarsely: what was written this lately may be written again without a new signature. */
const freshMs = 100

export async function stateOf(path: string): Promise<Stated> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return { type: 'gone' }
    if (!stats.isFile()) return refused(`is ${kindOf(stats)}, not a file`)
    const fresh = Math.abs(Date.now() - stats.ctimeMs) < freshMs
    return { type: 'file', size: stats.size, signature: signatureOf(stats), fresh }
  } catch (error) {
    if (!isGone(error)) return { type: 'error', error: fileError(error) }
    return (await isLink(path)) ? refused('is a symbolic link to nothing') : { type: 'gone' }
  }
}

/** Reads a whole file as long as it is one: a FIFO would wait, and a device may act. */
export async function contentsOf(
  path: string,
  { size, signature, maxBytes }: { size: number; signature: string; maxBytes: number },
): Promise<Contents> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const bytes = await readAll(file, size, maxBytes)
    const after = await file.stat()
    if (!after.isFile()) return refused(`is ${kindOf(after)}, not a file`)
    const hash = createHash('sha1').update(bytes).digest('base64')
    return { type: 'bytes', bytes, hash, moving: signatureOf(after) !== signature }
  } catch (error) {
    return isGone(error) ? { type: 'gone' } : { type: 'error', error: fileError(error) }
  }
}

async function readAll(file: FileHandle, size: number, maxBytes: number): Promise<Buffer> {
  // One byte more than it says, so that its end is seen without a larger buffer.
  let buffer = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
    if (length > maxBytes) throw tooBig(length, maxBytes)
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(maxBytes + 1, length * 2))
  }
}

function signatureOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return stats.isDirectory() ? 'a directory' : 'a device'
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  )
}

function refused(message: string): { readonly type: 'error'; readonly error: SourceError } {
  return { type: 'error', error: new SourceError(message, { class: 'config' }) }
}

/** What the system said, in words. Node's own message would name the path a second time. */
export function fileError(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    const words = `cannot be read: permission denied (${code}); the daemon's user needs the right to read it`
    return new SourceError(words, { class: 'auth', cause: error })
  }
  if (code === 'ELOOP') {
    return new SourceError('is a symbolic link that leads back to itself', { class: 'config', cause: error })
  }
  if (code === 'ETOOMANY') return new SourceError(message, { class: 'config', cause: error })
  return new SourceError(`cannot be read (${code || 'unknown reason'})`, { cause: error })
}
