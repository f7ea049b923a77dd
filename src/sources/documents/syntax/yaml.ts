import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml'
import { SourceError } from '../../../model/source.ts'
import type { Locate, EntryPath } from '../entry.ts'
import { lineAndColumn } from './json.ts'

const mostDepth = 64
const mostValues = 1_000_000
const noAnchor = 'refers to an anchor that is not there'
const tooDeep = `is nested deeper than ${mostDepth} levels`

/** One document of a YAML text, and where its parts stand. */
export type YamlDocument = { readonly value: unknown; readonly locate: Locate }

/** Reads YAML 1.2 with merge keys; blank documents are left out. The error says where, and nothing of the text. */
export function parseYaml(text: string): YamlDocument[] {
  const lines = new LineCounter()
  const failure = (message: string, offset: number) => {
    const { line, col } = lines.linePos(offset)
    return new SourceError(message, { class: 'config', where: `line ${line}, column ${col}` })
  }
  refuseDepth(text)
  // `uniqueKeys` compares every key with every other: seconds for thousands of servers. `refuseDoubles` does it.
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
    if (problem) throw failure(problems[problem.code] ?? 'is no valid YAML', problem.pos[0])
    measure(document.contents, { failure, anchors: new Map() })
    // The library would refuse the hundredth alias, though each of a thousand servers may refer to common defaults.
    const value: unknown = document.toJS({ maxAliasCount: -1 })
    if (value !== null && value !== undefined) read.push({ value, locate: locator(document, lines) })
  }
  return read
}

/** The library recurses, in time that grows with the square of the depth: what is absurd is refused before it starts. */
function refuseDepth(text: string): void {
  let depth = 0
  for (const { 0: found, index } of text.matchAll(/[[{]|[\]}]|^[ \t]*(?:[-?][ \t]+){65}|^ {2048}/gm)) {
    depth = found === '[' || found === '{' ? depth + 1 : Math.max(0, depth - 1)
    if (found.length === 1 && depth <= 1000) continue
    throw new SourceError(tooDeep, { class: 'config', where: lineAndColumn(text, index) })
  }
}

type Walk = {
  readonly failure: (message: string, offset: number) => SourceError
  /** How many values each anchor met so far stands for; an alias may only refer to one of them. */
  readonly anchors: Map<string, number>
}

/** Counts the values below a node with every alias expanded, and refuses what is too deep, too many or named twice. */
function measure(node: unknown, walk: Walk, depth = 0): number {
  if (isPair(node)) return measure(node.value, walk, depth)
  if (isAlias(node)) return sizeOfAlias(node, walk)
  let size = 1
  if (isMap(node) || isSeq(node)) {
    if (depth === mostDepth) throw walk.failure(tooDeep, offsetOf(node))
    refuseDoubles(node.items, walk)
    for (const item of node.items) size += measure(item, walk, depth + 1)
    if (size > mostValues)
      throw walk.failure(`holds more than ${mostValues} values, its aliases expanded`, offsetOf(node))
  }
  if (isNode(node) && 'anchor' in node && node.anchor !== undefined) walk.anchors.set(node.anchor, size)
  return size
}

function sizeOfAlias(alias: Alias, { anchors, failure }: Walk): number {
  const size = anchors.get(alias.source)
  if (size === undefined) throw failure(noAnchor, offsetOf(alias))
  return size
}

function refuseDoubles(items: readonly unknown[], { failure }: Walk): void {
  const keys = new Set<unknown>()
  for (const item of items) {
    if (!isPair(item) || !isScalar(item.key)) continue
    const { value } = item.key
    if (keys.has(value) && value !== '<<') throw failure('names the same key twice', offsetOf(item.key))
    keys.add(value)
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0
}

/** Finds lines by keys. Each map is indexed once, when first asked for. */
function locator(document: Document, lines: LineCounter): Locate {
  const indexes = new Map<unknown, Map<string, { at: Node; value: unknown }>>()

  function indexOf(node: unknown): Map<string, { at: Node; value: unknown }> {
    const known = indexes.get(node)
    if (known) return known
    const index = new Map<string, { at: Node; value: unknown }>()
    if (isMap(node)) {
      for (const { key, value } of node.items) if (isScalar(key)) index.set(String(key.value), { at: key, value })
    } else if (isSeq(node)) {
      for (const [place, value] of node.items.entries()) index.set(String(place), { at: value as Node, value })
    }
    indexes.set(node, index)
    return index
  }

  return (path: EntryPath) => {
    let node: unknown = document.contents
    let at = document.contents
    for (const step of path) {
      const found = indexOf(isAlias(node) ? node.resolve(document) : node).get(String(step))
      if (!found) break
      at = found.at
      node = found.value
    }
    return at?.range ? lines.linePos(at.range[0]).line : undefined
  }
}

/** The library's own messages may quote the text, which may hold a secret. */
const problems: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'gives an alias an anchor or a tag of its own',
  BAD_ALIAS: noAnchor,
  BAD_COLLECTION_TYPE: 'gives a map or list a tag that does not fit',
  BAD_DIRECTIVE: 'holds a directive that YAML does not know',
  BAD_DQ_ESCAPE: 'holds an escape that YAML does not know, in a text in double quotes',
  BAD_INDENT: 'is indented wrongly here',
  BAD_PROP_ORDER: 'has an anchor or a tag in the wrong place',
  BAD_SCALAR_START: 'starts a text with a character that needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'nests a map where a plain value must stand (a missing line break or quotes?)',
  BLOCK_IN_FLOW: 'holds an indented block inside brackets',
  DUPLICATE_KEY: 'names the same key twice',
  KEY_OVER_1024_CHARS: 'has a key of more than 1024 characters',
  MISSING_CHAR: 'misses a character here: a closing quote or bracket, a comma, a colon or a space',
  MULTILINE_IMPLICIT_KEY: 'has a key that goes over several lines (a missing colon?)',
  MULTIPLE_ANCHORS: 'gives one value two anchors',
  MULTIPLE_TAGS: 'gives one value two tags',
  NON_STRING_KEY: 'has a key that is no text',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'is indented with a tab; YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'holds a tag (`!…`) that is not taken here',
  UNEXPECTED_TOKEN: 'holds something here that YAML does not allow',
}
