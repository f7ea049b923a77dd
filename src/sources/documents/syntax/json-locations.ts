import { SourceError } from '../../../model/source.ts'
import type { Locate } from '../entry.ts'

/** The line of a value, and the locations of the values in it. */
type JsonLocation = { readonly line: number; children?: Map<string, JsonLocation> }

/** A map or list whose end has not been reached. */
type OpenContainer = {
  readonly children: Map<string, JsonLocation>
  readonly isMap: boolean
  count: number
  expectsKey: boolean
}

/** Depth of the fields of servers: servers are named no deeper than in `mcp.servers.NAME`. */
const maxLocatedDepth = 3

/** Characters read between two yields. */
const charactersPerStep = 8192

const [newline, blank, quote, comma, backslash] = [10, 32, 34, 44, 92]
const [openMap, closeMap, openList, closeList] = [123, 125, 91, 93]

/**
 * Finds the lines of a JSON text by keys. The text must be valid JSON. A value below the fields of a server gets the line
 * of that field.
 *
 * Throws where one map names a key twice, as YAML does: `JSON.parse` silently takes the last, and a server would be lost.
 * Yields where it may be interrupted.
 */
export function* locateJson(text: string): Generator<void, Locate> {
  const root = yield* scanLocations(text)
  // Generated JSON is often one line; a line number is useless then.
  const isOneLine = !text.includes('\n')
  return (path) => {
    if (isOneLine) return undefined
    let location = root
    for (const step of path) {
      const child = location.children?.get(String(step))
      if (!child) break
      location = child
    }
    return location.line
  }
}

function* scanLocations(text: string): Generator<void, JsonLocation> {
  const root: JsonLocation = { line: 1 }
  const parents: OpenContainer[] = []
  let container: OpenContainer | undefined
  /** The last value begun within `maxLocatedDepth`. */
  let latest = root
  let depth = 0
  let line = 1

  function begin(key: string): void {
    latest = { line }
    container?.children.set(key, latest)
  }

  function enter(isMap: boolean): void {
    depth += 1
    if (depth > maxLocatedDepth) return
    if (container?.isMap === false) begin(String(container.count))
    if (container) parents.push(container)
    container = { children: new Map(), isMap, count: 0, expectsKey: isMap }
    latest.children = container.children
  }

  function leave(): void {
    if (depth <= maxLocatedDepth) container = parents.pop()
    depth -= 1
  }

  function readKey(literal: string): void {
    const key = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
    if (container?.children.has(key)) throw duplicateKeyError(`line ${line}`)
    begin(key)
  }

  /** Reads the token at an offset, and returns the offset after it. */
  function readToken(offset: number): number {
    const code = text.charCodeAt(offset)
    if (code === quote) return readString(offset)
    if (code === newline) line += 1
    else if (code === openMap || code === openList) enter(code === openMap)
    else if (code === closeMap || code === closeList) leave()
    else if (code > blank && container && depth <= maxLocatedDepth) readOther(container, code)
    return offset + 1
  }

  function readString(offset: number): number {
    const end = endOfString(text, offset)
    if (!container || depth > maxLocatedDepth) return end
    if (container.expectsKey) readKey(text.slice(offset, end))
    else if (!container.isMap) begin(String(container.count))
    container.expectsKey = false
    return end
  }

  /** A comma, or a character of a number or word; a colon needs nothing. */
  function readOther(parent: OpenContainer, code: number): void {
    if (code === comma) {
      parent.count += 1
      parent.expectsKey = parent.isMap
    } else if (!parent.isMap && parent.children.size === parent.count) begin(String(parent.count))
  }

  for (let offset = 0; offset < text.length;) {
    const until = offset + charactersPerStep
    while (offset < until && offset < text.length) offset = readToken(offset)
    yield
  }
  return root
}

/** The offset after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let offset = text.indexOf('"', start + 1); ; offset = text.indexOf('"', offset + 1)) {
    let escapes = 0
    while (text.charCodeAt(offset - 1 - escapes) === backslash) escapes += 1
    if (escapes % 2 === 0) return offset + 1
  }
}

export function duplicateKeyError(where: string): SourceError {
  return new SourceError('one object names the same key twice', { class: 'config', where })
}
