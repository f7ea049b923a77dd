import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml'
import type { SourceError } from '../../../model/source.ts'
import type { Locate, EntryPath } from '../entry.ts'
import { syntaxError } from './syntax-error.ts'

const maxDepth = 64
const maxValues = 1_000_000
const unknownAnchor = 'alias refers to an unknown anchor'
const tooDeep = `YAML is nested deeper than ${maxDepth} levels`

/** One document of a YAML text, and the lines of its values. */
export type YamlDocument = { readonly value: unknown; readonly locate: Locate }

/** Reads YAML 1.2 with merge keys; skips blank documents. An error names the location and no content. */
export function parseYaml(text: string): YamlDocument[] {
  const lines = new LineCounter()
  const failure = (message: string, offset: number) => syntaxError(message, text, offset)
  checkDepth(text)
  // `uniqueKeys` compares every key with every other, which takes seconds for thousands of servers.
  const documents = parseAllDocuments(text, {
    schema: 'core',
    merge: true,
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  })
  const read: YamlDocument[] = []
  for (const document of documents) {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem)
      throw (
        unclosedIn(document, text, problem.pos[0]) ?? failure(messages[problem.code] ?? 'invalid YAML', problem.pos[0])
      )
    countValues(document.contents, { failure, anchors: new Map() })
    // The library rejects more than 100 aliases, but each of a thousand servers may refer to common defaults.
    const value: unknown = document.toJS({ maxAliasCount: -1 })
    if (value !== null && value !== undefined) read.push({ value, locate: createYamlLocator(document, lines) })
  }
  return read
}

/** Rejects absurd depths before the library starts: it recurses, in time quadratic in the depth. */
function checkDepth(text: string): void {
  let depth = 0
  for (const { 0: match, index } of text.matchAll(/[[{]|[\]}]|^[ \t]*(?:[-?][ \t]+){65}|^ {2048}/gm)) {
    depth = match === '[' || match === '{' ? depth + 1 : Math.max(0, depth - 1)
    if (match.length === 1 && depth <= 1000) continue
    throw syntaxError(tooDeep, text, index)
  }
}

/** The error of a bracket or quote that is still open at `offset`: it names where that began, and not where its end was missed. */
function unclosedIn(document: Document, text: string, offset: number): SourceError | undefined {
  let unclosed: { readonly start: number; readonly end: string } | undefined
  visit(document, {
    Node: (_, node) => {
      const [start = 0, until] = node.range ?? []
      const end = closingMarks[text[start] ?? '']
      const isOpened = isCollection(node) ? node.flow : isScalar(node) && node.type?.startsWith('QUOTE')
      if (!isOpened || end === undefined || until !== offset) return
      // Of several, the innermost.
      if (until === start + 1 || text[until - 1] !== end) unclosed = { start, end }
    },
  })
  return unclosed && syntaxError(`what begins here is not closed: ${unclosed.end} is missing`, text, unclosed.start)
}

const closingMarks: Readonly<Record<string, string>> = { '[': ']', '{': '}', '"': '"', "'": "'" }

type CountContext = {
  readonly failure: (message: string, offset: number) => SourceError
  /** Number of values below each anchor so far; an alias may only refer to an earlier anchor. */
  readonly anchors: Map<string, number>
}

/** Counts the values below a node, aliases expanded. Rejects excessive depth, too many values and duplicate keys. */
function countValues(node: unknown, context: CountContext, depth = 0): number {
  if (isPair(node)) return countValues(node.value, context, depth)
  if (isAlias(node)) return sizeOfAlias(node, context)
  let size = 1
  if (isMap(node) || isSeq(node)) {
    if (depth === maxDepth) throw context.failure(tooDeep, offsetOf(node))
    checkDuplicateKeys(node.items, context)
    for (const item of node.items) size += countValues(item, context, depth + 1)
    if (size > maxValues)
      throw context.failure(`YAML holds more than ${maxValues} values, aliases expanded`, offsetOf(node))
  }
  if (isNode(node) && 'anchor' in node && node.anchor !== undefined) context.anchors.set(node.anchor, size)
  return size
}

function sizeOfAlias(alias: Alias, { anchors, failure }: CountContext): number {
  const size = anchors.get(alias.source)
  if (size === undefined) throw failure(unknownAnchor, offsetOf(alias))
  return size
}

function checkDuplicateKeys(items: readonly unknown[], { failure }: CountContext): void {
  const keys = new Set<unknown>()
  for (const item of items) {
    if (!isPair(item) || !isScalar(item.key)) continue
    const { value } = item.key
    if (keys.has(value) && value !== '<<') throw failure('one map names the same key twice', offsetOf(item.key))
    keys.add(value)
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0
}

/** Finds lines by keys. Each map is indexed once, at its first use. */
function createYamlLocator(document: Document, lines: LineCounter): Locate {
  const indexes = new Map<unknown, Map<string, { keyNode: Node; value: unknown }>>()

  function indexOf(node: unknown): Map<string, { keyNode: Node; value: unknown }> {
    const cached = indexes.get(node)
    if (cached) return cached
    const index = new Map<string, { keyNode: Node; value: unknown }>()
    if (isMap(node)) {
      for (const { key, value } of node.items) if (isScalar(key)) index.set(String(key.value), { keyNode: key, value })
    } else if (isSeq(node)) {
      for (const [position, value] of node.items.entries())
        index.set(String(position), { keyNode: value as Node, value })
    }
    indexes.set(node, index)
    return index
  }

  return (path: EntryPath) => {
    let node: unknown = document.contents
    let location = document.contents
    for (const step of path) {
      const child = indexOf(isAlias(node) ? node.resolve(document) : node).get(String(step))
      if (!child) break
      location = child.keyNode
      node = child.value
    }
    return location?.range ? lines.linePos(location.range[0]).line : undefined
  }
}

/** Replaces the messages of the library, which may quote the text and so a secret. */
const messages: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'alias has an anchor or a tag of its own',
  BAD_ALIAS: unknownAnchor,
  BAD_COLLECTION_TYPE: 'tag does not fit a map or list',
  BAD_DIRECTIVE: 'unknown YAML directive',
  BAD_DQ_ESCAPE: 'unknown escape in a double-quoted text',
  BAD_INDENT: 'wrong indentation',
  BAD_PROP_ORDER: 'anchor or tag in the wrong place',
  BAD_SCALAR_START: 'text starts with a character that needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'nested map where a plain value is expected (a missing line break or quotes?)',
  BLOCK_IN_FLOW: 'indented block inside brackets',
  DUPLICATE_KEY: 'one map names the same key twice',
  KEY_OVER_1024_CHARS: 'key of more than 1024 characters',
  MISSING_CHAR: 'missing character: a closing quote or bracket, a comma, a colon or a space',
  MULTILINE_IMPLICIT_KEY: 'key spans several lines (a missing colon?)',
  MULTIPLE_ANCHORS: 'one value has two anchors',
  MULTIPLE_TAGS: 'one value has two tags',
  NON_STRING_KEY: 'key is not text',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'indented with a tab; YAML allows spaces only',
  TAG_RESOLVE_FAILED: 'unsupported tag (`!…`)',
  UNEXPECTED_TOKEN: 'unexpected token',
}
