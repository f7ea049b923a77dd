import { Document, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Node, visit } from 'yaml'
import type { Environment } from '../environment/variable-lookup.ts'
import { currentPath, type FormerKey, toCurrentKeys } from '../renamed-keys.ts'
import type { ConfigPath } from '../schema-paths.ts'
import { ConfigError, type ConfigProblem, describePath } from '../setting-origin.ts'

/** A parsed config file, with the current name of every setting, before validation. */
export type ConfigDocument = {
  readonly value: Record<string, unknown>
  /** Settings that the file gives under a former name. */
  readonly formerKeys: readonly FormerKey[]
  /** The line of the key at `path`, or of the closest section around it. */
  readonly lineOf: (path: ConfigPath) => number
  /** Whether the file sets `path`. */
  readonly has: (path: ConfigPath) => boolean
  /** Values with a placeholder: they are text, whatever the type of the setting. */
  readonly expanded: readonly ConfigPath[]
}

/** One without an end reaches to the end of the text, so that no later start is tried in it. */
const placeholder = /\$(\$?)\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?(\}|$)/g

/** Parses a config file; throws a `ConfigError` with the line. `$${NAME}` stays `${NAME}`. */
export function parseConfig(text: string, { file, env }: { file: string; env: Environment }): ConfigDocument {
  const lines = new LineCounter()
  const at = (position: number) => ({ from: 'file', file, line: Math.max(1, lines.linePos(position).line) }) as const
  if (text.trim() === '') throw problemAt(1, 'the file is blank; write "{}" for a config without settings')
  const [document = new Document({}), further] = [...parseAllDocuments(text.replace(/^\uFEFF/, ''), options(lines))]
  const problems: ConfigProblem[] = document.errors.map(({ message, pos }) => ({
    origin: at(pos[0]),
    path: [],
    message: `invalid YAML: ${message}`,
  }))
  if (further)
    problems.push({
      origin: at(further.range[0]),
      path: [],
      message: 'the file has a second YAML document; a config is one document',
    })
  if (problems.length > 0) throw new ConfigError(problems)

  const expanded: ConfigPath[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const missing: string[] = []
      node.value = expandPlaceholders(node.value, env, missing)
      const path = pathOf([...ancestors, node])
      for (const name of missing) {
        const message = `environment variable ${name} is not set; set it, or give a default: \${${name}:-…}`
        problems.push({ origin: at(node.range?.[0] ?? 0), path, message })
      }
      expanded.push(path)
    },
  })
  if (problems.length > 0) throw new ConfigError(problems)

  const { value, former, conflicts } = toCurrentKeys(toPlain(() => document.toJS({ maxAliasCount: 100 }) as unknown))
  const root = document.contents
  const lineOf = (path: ConfigPath) => at(nodeAt(root, path).node?.range?.[0] ?? 0).line
  if (conflicts.length > 0) {
    throw new ConfigError(
      conflicts.map(({ written, current }) => ({
        origin: { from: 'file', file, line: lineOf(written) },
        path: written,
        message: `is the former name of ${describePath(current)}, which is set too; remove ${describePath(written)}`,
      })),
    )
  }
  const formerAt = new Map(former.map(({ written, current }) => [current.join('\0'), written.at(-1)]))
  const writtenPath = (path: ConfigPath) =>
    path.map((step, index) => formerAt.get(path.slice(0, index + 1).join('\0')) ?? step)
  return {
    value: value as Record<string, unknown>,
    formerKeys: former,
    lineOf: (path) => lineOf(writtenPath(path)),
    has: (path) => nodeAt(root, writtenPath(path)).isComplete,
    expanded: expanded.map((path) => currentPath(path)),
  }

  function toPlain(read: () => unknown): Record<string, unknown> {
    let plain: unknown
    try {
      plain = read() ?? {}
    } catch (error) {
      throw problemAt(1, error instanceof Error ? error.message : String(error))
    }
    if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) return { ...plain }
    throw problemAt(1, 'must be a map of settings, such as "listen: { port: 8000 }"')
  }

  function problemAt(line: number, message: string): ConfigError {
    return new ConfigError([{ origin: { from: 'file', file, line }, path: [], message }])
  }
}

const options = (lineCounter: LineCounter) =>
  ({ lineCounter, prettyErrors: false, merge: true, uniqueKeys: true, logLevel: 'silent' }) as const

function expandPlaceholders(text: string, env: Environment, missing: string[]): string {
  return text.replaceAll(
    placeholder,
    (match, escaped: string, name: string, fallback: string | undefined, end: string) => {
      if (end === '') return match
      if (escaped) return match.slice(1)
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      if (value !== undefined && value !== '') return value
      if (fallback === undefined && value === undefined) missing.push(name)
      return fallback ?? ''
    },
  )
}

/** The node at `path`, or the last one on the way; `isComplete` says whether the whole path exists. */
function nodeAt(root: unknown, path: ConfigPath): { node: Node | undefined; isComplete: boolean } {
  let node = root
  let last = root as Node | undefined
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      if (!pair) return { node: last, isComplete: false }
      last = pair.key as Node
      node = pair.value
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step]
      last = node as Node
    } else {
      return { node: last, isComplete: false }
    }
  }
  return { node: last, isComplete: true }
}

function pathOf(chain: readonly unknown[]): ConfigPath {
  const path: (string | number)[] = []
  for (const [index, node] of chain.entries()) {
    const next = chain[index + 1]
    if (isSeq(node)) path.push(node.items.indexOf(next))
    else if (typeof next === 'object' && next !== null && 'key' in next && isMap(node) && isScalar(next.key)) {
      path.push(String(next.key.value))
    }
  }
  return path
}
