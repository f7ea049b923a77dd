import { SourceError } from '../../../model/source.ts'
import type { Locate } from '../entry.ts'

/** Where a value stands, and what stands in it. */
type Place = { readonly line: number; inside?: Map<string, Place> }

/** A map or list that is not closed yet. */
type Open = { readonly inside: Map<string, Place>; readonly isMap: boolean; count: number; awaitsName: boolean }

/** Servers are named no deeper than in `mcp.servers.NAME`, and their fields below that. */
const deepest = 3

/** So many characters are read in one go. */
const fewAtOnce = 8192

const [newline, blank, quote, comma, backslash] = [10, 32, 34, 44, 92]
const [openMap, closeMap, openList, closeList] = [123, 125, 91, 93]

/**
 * Finds the lines of a JSON text by keys; it must have been parsed without an error before. What stands deeper than the
 * fields of servers is found where these are.
 *
 * A key that is named twice there is an error, as it is in YAML: `JSON.parse` takes the last, and a server would be lost
 * without a word. Yields wherever it may be interrupted.
 */
export function* locateJson(text: string): Generator<void, Locate> {
  const whole = yield* placesIn(text)
  const isOneLine = !text.includes('\n') // as machines write it: then the line says nothing
  return (path) => {
    if (isOneLine) return undefined
    let place = whole
    for (const step of path) {
      const next = place.inside?.get(String(step))
      if (!next) break
      place = next
    }
    return place.line
  }
}

function* placesIn(text: string): Generator<void, Place> {
  const whole: Place = { line: 1 }
  const above: Open[] = []
  let open: Open | undefined
  /** What was begun last, of that deep at most. */
  let latest = whole
  let depth = 0
  let line = 1

  function begin(name: string): void {
    latest = { line }
    open?.inside.set(name, latest)
  }

  function enter(isMap: boolean): void {
    depth += 1
    if (depth > deepest) return
    if (open?.isMap === false) begin(String(open.count))
    if (open) above.push(open)
    open = { inside: new Map(), isMap, count: 0, awaitsName: isMap }
    latest.inside = open.inside
  }

  function leave(): void {
    if (depth <= deepest) open = above.pop()
    depth -= 1
  }

  function name(string: string): void {
    const plain = string.includes('\\') ? (JSON.parse(string) as string) : string.slice(1, -1)
    if (open?.inside.has(plain))
      throw new SourceError('names the same key twice', { class: 'config', where: `line ${line}` })
    begin(plain)
  }

  /** Reads what begins at an offset, and answers with the offset of what follows. */
  function read(at: number): number {
    const sign = text.charCodeAt(at)
    if (sign === quote) return string(at)
    if (sign === newline) line += 1
    else if (sign === openMap || sign === openList) enter(sign === openMap)
    else if (sign === closeMap || sign === closeList) leave()
    else if (sign > blank && open && depth <= deepest) inside(open, sign)
    return at + 1
  }

  function string(at: number): number {
    const end = endOfString(text, at)
    if (!open || depth > deepest) return end
    if (open.awaitsName) name(text.slice(at, end))
    else if (!open.isMap) begin(String(open.count))
    open.awaitsName = false
    return end
  }

  /** A comma, or a part of a number or word; what else there is means nothing here. */
  function inside(here: Open, sign: number): void {
    if (sign === comma) {
      here.count += 1
      here.awaitsName = here.isMap
    } else if (!here.isMap && here.inside.size === here.count) begin(String(here.count))
  }

  for (let at = 0; at < text.length;) {
    const until = at + fewAtOnce
    while (at < until && at < text.length) at = read(at)
    yield
  }
  return whole
}

/** The offset behind the quote that ends the string which begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); ; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes += 1
    if (escapes % 2 === 0) return at + 1
  }
}
