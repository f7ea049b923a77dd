import type { Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, matchesGlob, relative, resolve } from 'node:path'
import { formatOf } from '../documents/parse.ts'

/** Maximum number of files that one configured path may match. */
const maxFiles = 50_000

/** Maximum depth of directories below a recursive path or a glob with `**`. */
const maxDepth = 16

/** One configured path: a file, a directory, or a glob. `base` is the path itself, or the directory where the glob begins. */
export type PathPattern = {
  readonly path: string
  readonly base: string
  readonly isGlob: boolean
  /** Position in the config; lower ranks take precedence. */
  readonly rank: number
}

/** The files that one pattern matches. `missing`: its base does not exist. */
export type MatchedFiles =
  | {
      readonly type: 'files'
      readonly files: readonly string[]
      /** Those of the files that may be symbolic links. */
      readonly links: readonly string[]
      readonly folderCount: number
      readonly unreadable: readonly UnreadableDirectory[]
      readonly ignored: IgnoredEntries
    }
  | { readonly type: 'missing' }

/** Files and sub-directories of a directory that are not read, but for hidden ones and leftovers. `names` are the first ones. */
export type IgnoredEntries = { readonly directory: string; readonly names: readonly string[]; readonly count: number }

/** Maximum number of ignored entries that are named. */
const maxIgnoredNames = 10

/** A directory that could not be listed, so that the state of the files below it is unknown. */
export type UnreadableDirectory = { readonly path: string; readonly error: NodeJS.ErrnoException }

export function parsePathPattern(path: string, rank: number): PathPattern {
  const firstWildcard = path.search(/[*?{[]/)
  if (firstWildcard < 0) return { path, base: path, isGlob: false, rank }
  const slash = path.lastIndexOf('/', firstWildcard)
  return { path, base: slash < 0 ? '.' : path.slice(0, slash) || '/', isGlob: true, rank }
}

/** Names of hidden files (`..data` of a Kubernetes mount among them), and of files that editors and tools leave behind. */
function isLeftover(name: string): boolean {
  return (
    name.startsWith('.') ||
    name.startsWith('#') ||
    name === '4913' ||
    /(~|\.(bak|tmp|temp|swp|swx|swo|orig|old|part))$/i.test(name)
  )
}

function isDocument(name: string): boolean {
  return formatOf(name) !== undefined
}

/** How many levels below its base a pattern reaches into directories. */
function depthOf({ path, base, isGlob }: PathPattern, recursive: boolean): number {
  if (!isGlob) return recursive ? maxDepth : 0
  if (path.includes('**')) return maxDepth
  const below = base === '.' ? path : path.slice(base.length)
  return below.split('/').filter(Boolean).length - 1
}

/** Lists the files that a pattern matches, sorted by path, without opening any. */
export async function listMatches(pattern: PathPattern, { recursive }: { recursive: boolean }): Promise<MatchedFiles> {
  const { path, base, isGlob } = pattern
  const files: string[] = []
  const links: string[] = []
  const unreadable: UnreadableDirectory[] = []
  const ignored: string[] = []
  let ignoredCount = 0
  let folderCount = 0
  const deepest = depthOf(pattern, recursive)

  /** `ancestors`: real paths of this directory and of those it was reached through. A link back to one is skipped. */
  async function walk(directory: string, ancestors: readonly string[]): Promise<void> {
    const depth = ancestors.length - 1
    folderCount += 1
    for await (const child of await opendir(directory, { bufferSize: 256 })) {
      if (isLeftover(child.name)) continue
      const childPath = directory === '.' && !path.startsWith('./') ? child.name : join(directory, child.name)
      const matches = isGlob ? matchesGlob(childPath, path) : isDocument(child.name)
      if (depth < deepest && (await isDirectory(child, childPath))) await descend(childPath, child, ancestors)
      else if (matches && !child.isDirectory()) {
        files.push(childPath)
        if (child.isSymbolicLink()) links.push(childPath)
      } else if (!isGlob) ignore(child, childPath)
      if (files.length > maxFiles)
        throw Object.assign(new Error(`directory holds more than ${maxFiles} files`), { code: 'ETOOMANY' })
    }
  }

  function ignore(child: Dirent, childPath: string): void {
    ignoredCount += 1
    const name = relative(base, childPath)
    if (ignored.length < maxIgnoredNames) ignored.push(child.isDirectory() ? `${name}/ (recursive is off)` : name)
  }

  const result = () => {
    const entries = { directory: base, names: ignored.toSorted(), count: ignoredCount }
    return { type: 'files', files: files.toSorted(), links, folderCount, unreadable, ignored: entries } as const
  }

  async function descend(directory: string, entry: Dirent, ancestors: readonly string[]): Promise<void> {
    try {
      const real = entry.isSymbolicLink() ? await realpath(directory) : join(ancestors.at(-1) ?? '', entry.name)
      if (!ancestors.includes(real)) await walk(directory, [...ancestors, real])
    } catch (error) {
      if (!isMissingError(error)) unreadable.push({ path: directory, error: error as NodeJS.ErrnoException })
    }
  }

  try {
    if (!isGlob && !(await stat(base)).isDirectory()) {
      files.push(path)
      links.push(path)
      return result()
    }
    await walk(base, [await realpath(base)])
  } catch (error) {
    if (isMissingError(error)) return { type: 'missing' }
    unreadable.push({ path: base, error: error as NodeJS.ErrnoException })
  }
  return result()
}

/** `ignored in /etc/mcp: notes.txt, sub/ (recursive is off) and 3 more`. */
export function describeIgnored({ directory, names, count }: IgnoredEntries): string {
  const more = count > names.length ? ` and ${count - names.length} more` : ''
  return `ignored in ${directory}: ${names.join(', ')}${more}`
}

/**
 * Decides which absolute paths below the bases can matter to a scan, so that a watcher can ignore the others.
 *
 * `..data` of a Kubernetes mount matters, though it is hidden: the kubelet swaps it, and not always removes the old files.
 */
export function createPathFilter(
  patterns: readonly PathPattern[],
  { recursive }: { recursive: boolean },
): (path: string, stats?: { isFile(): boolean }) => boolean {
  const filters = Map.groupBy(
    patterns.map((pattern) => ({
      base: resolve(pattern.base),
      deepest: depthOf(pattern, recursive),
      glob: pattern.isGlob ? resolve(pattern.path) : undefined,
    })),
    ({ base }) => base,
  )

  return (path, stats) => {
    const isSwapLink = basename(path) === '..data'
    let isHidden = false
    for (let at = path, depth = -1; ; at = dirname(at), depth++) {
      const isMatch = filters.get(at)?.some(({ deepest, glob }) => {
        if (depth < 0) return true
        if (depth > deepest || isHidden) return false
        const canBeDirectory = depth < deepest && stats?.isFile() !== true
        return isSwapLink || canBeDirectory || (glob === undefined ? isDocument(path) : matchesGlob(path, glob))
      })
      if (isMatch) return true
      const name = basename(at)
      if (name === '') return false
      isHidden ||= isLeftover(name) && !(isSwapLink && depth < 0)
    }
  }
}

async function isDirectory(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

export function isMissingError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
