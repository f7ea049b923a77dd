import type { Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { dirname, join, matchesGlob } from 'node:path'

const mostFiles = 50_000
const mostDepth = 16

/** One configured path, taken apart: a file or directory, or the directory where a glob begins. */
export type Place = { readonly path: string; readonly base: string; readonly glob: boolean; readonly rank: number }

/** What was found at one place. */
export type Listed =
  | {
      readonly type: 'files'
      readonly files: readonly string[]
      /** Those of them that are symbolic links. */
      readonly links: readonly string[]
      /** Where a change may add or remove files. */
      readonly directories: readonly string[]
      readonly unlisted: readonly Unlisted[]
    }
  | { readonly type: 'missing' }

/** A directory that could not be listed, so that nothing can be said of the files below it. */
export type Unlisted = { readonly path: string; readonly error: NodeJS.ErrnoException }

export function placeOf(path: string, rank: number): Place {
  const magic = path.search(/[*?{[]/)
  if (magic < 0) return { path, base: path, glob: false, rank }
  const slash = path.lastIndexOf('/', magic)
  return { path, base: slash < 0 ? '.' : path.slice(0, slash) || '/', glob: true, rank }
}

/** Names that editors and tools leave behind, and the hidden ones (`..data` of a Kubernetes mount among them). */
export function isLitter(name: string): boolean {
  return (
    name.startsWith('.') ||
    name.startsWith('#') ||
    name === '4913' ||
    /(~|\.(bak|tmp|temp|swp|swx|swo|orig|old|part))$/i.test(name)
  )
}

function isDocument(name: string): boolean {
  return /\.(ya?ml|json)$/i.test(name)
}

/** Lists the files of a place, sorted by path, without opening any. */
export async function listPlace({ path, base, glob }: Place, { recursive }: { recursive: boolean }): Promise<Listed> {
  const files: string[] = []
  const links: string[] = []
  const directories: string[] = []
  const unlisted: Unlisted[] = []
  const deepest = glob ? depthOf(path, base) : recursive ? mostDepth : 0

  /** `above` are the true paths of this directory and those it was reached through: a link back to one is no news. */
  async function walk(directory: string, above: readonly string[]): Promise<void> {
    directories.push(directory)
    const depth = above.length - 1
    for await (const found of await opendir(directory, { bufferSize: 256 })) {
      if (isLitter(found.name)) continue
      const inside = directory === '.' && !path.startsWith('./') ? found.name : join(directory, found.name)
      const wanted = glob ? matchesGlob(inside, path) : isDocument(found.name)
      if (depth < deepest && (await isDirectory(found, inside))) await descend(inside, found, above)
      else if (wanted && !found.isDirectory()) {
        files.push(inside)
        if (found.isSymbolicLink()) links.push(inside)
      }
      if (files.length > mostFiles)
        throw Object.assign(new Error(`holds more than ${mostFiles} files`), { code: 'ETOOMANY' })
    }
  }

  async function descend(directory: string, found: Dirent, above: readonly string[]): Promise<void> {
    try {
      const real = found.isSymbolicLink() ? await realpath(directory) : join(above.at(-1) ?? '', found.name)
      if (!above.includes(real)) await walk(directory, [...above, real])
    } catch (error) {
      if (!isGone(error)) unlisted.push({ path: directory, error: error as NodeJS.ErrnoException })
    }
  }

  try {
    if (!glob && !(await stat(base)).isDirectory()) {
      return { type: 'files', files: [path], links: [path], directories: [dirname(path)], unlisted }
    }
    await walk(base, [await realpath(base)])
  } catch (error) {
    if (isGone(error)) return { type: 'missing' }
    unlisted.push({ path: base, error: error as NodeJS.ErrnoException })
  }
  return { type: 'files', files: files.toSorted(), links, directories, unlisted }
}

async function isDirectory(found: Dirent, path: string): Promise<boolean> {
  if (!found.isSymbolicLink()) return found.isDirectory()
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

function depthOf(path: string, base: string): number {
  if (path.includes('**')) return mostDepth
  const rest = base === '.' ? path : path.slice(base.length)
  return rest.split('/').filter(Boolean).length - 1
}

export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
