import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { SourceError } from '../../model/source.ts'
import { tooLargeError } from '../documents/read.ts'
import { isMissingError } from './path-patterns.ts'

/** The metadata of a path, read without opening it. `signature` stays equal while the file is not written. */
export type FileState =
  | {
      readonly type: 'file'
      readonly size: number
      readonly signature: string
      /** Written so recently that another write may leave the signature as it is. */
      readonly isFresh: boolean
    }
  | { readonly type: 'gone' }
  | { readonly type: 'error'; readonly error: SourceError }

/** The bytes of a file. `isChanging`: written between `stat` and the end of the read. */
export type FileContents =
  | { readonly type: 'bytes'; readonly bytes: Buffer; readonly hash: string; readonly isChanging: boolean }
  | { readonly type: 'gone' }
  | { readonly type: 'error'; readonly error: SourceError }

/** Assumed resolution of file times, in milliseconds. */
const timeResolutionMs = 100

export async function fileStateOf(path: string): Promise<FileState> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return { type: 'gone' }
    if (!stats.isFile()) return rejected(`not a file but ${kindOfFile(stats)}`)
    const isFresh = Math.abs(Date.now() - stats.ctimeMs) < timeResolutionMs
    return { type: 'file', size: stats.size, signature: signatureOf(stats), isFresh }
  } catch (error) {
    if (!isMissingError(error)) return { type: 'error', error: fileError(error) }
    return (await isLink(path)) ? rejected('symbolic link to nothing') : { type: 'gone' }
  }
}

/** Reads a whole regular file. Opening without blocking protects against FIFOs; a device is not read at all. */
export async function readContents(
  path: string,
  { size, signature, maxBytes }: { size: number; signature: string; maxBytes: number },
): Promise<FileContents> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const bytes = await readAll(file, size, maxBytes)
    const after = await file.stat()
    if (!after.isFile()) return rejected(`not a file but ${kindOfFile(after)}`)
    const hash = createHash('sha1').update(bytes).digest('base64')
    return { type: 'bytes', bytes, hash, isChanging: signatureOf(after) !== signature }
  } catch (error) {
    return isMissingError(error) ? { type: 'gone' } : { type: 'error', error: fileError(error) }
  }
}

async function readAll(file: FileHandle, size: number, maxBytes: number): Promise<Buffer> {
  // One byte more than the stated size, so that the end is seen without a larger buffer.
  let buffer = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
    if (length > maxBytes) throw tooLargeError(length, maxBytes)
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(maxBytes + 1, length * 2))
  }
}

function signatureOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

function kindOfFile(stats: Stats): string {
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

function rejected(message: string): { readonly type: 'error'; readonly error: SourceError } {
  return { type: 'error', error: new SourceError(message, { class: 'config' }) }
}

/** An error of the file system as a `SourceError`. Node's own message would repeat the path. */
export function fileError(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    return new SourceError(`permission denied (${code}); let the daemon's user read it`, {
      class: 'auth',
      cause: error,
    })
  }
  if (code === 'ELOOP') {
    return new SourceError('symbolic link leads back to itself', { class: 'config', cause: error })
  }
  if (code === 'ETOOMANY') return new SourceError(message, { class: 'config', cause: error })
  return new SourceError(`read failed (${code || 'unknown reason'})`, { cause: error })
}

/** Maximum number of symbolic links whose targets are watched. */
const maxLinks = 200

/** Targets of links, except hidden ones: a Kubernetes mount replaces those at each update. */
export async function linkTargetsOf(links: readonly string[]): Promise<string[]> {
  const targets = await Promise.all(links.slice(0, maxLinks).map(linkTargetOf))
  return targets.flatMap((target) => (target === undefined || target.includes('/..') ? [] : target))
}

/** Where a link ends; for a dangling link, where its target would have to be. */
async function linkTargetOf(link: string): Promise<string | undefined> {
  return realpath(link).catch(async () => {
    const target = await readlink(link).catch(() => undefined)
    return target === undefined ? undefined : resolve(dirname(link), target)
  })
}
