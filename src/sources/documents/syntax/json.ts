import { SourceError } from '../../../model/source.ts'
import type { Locate } from '../entry.ts'
import { locateJson } from './json-locations.ts'

/** What a JSON text says. `places` finds where its parts stand, in steps; it throws where one key is named twice. */
export type JsonText = { readonly value: unknown; readonly locations: () => Generator<void, Locate> }

/** Reads JSON, with the comments and trailing commas that VS Code allows. The error says where, and nothing of the text. */
export function parseJson(text: string): JsonText {
  try {
    return { value: JSON.parse(text), locations: () => locateJson(text) }
  } catch {
    return parseLoose(text)
  }
}

function parseLoose(text: string): JsonText {
  const bare = withoutComments(text)
  try {
    return { value: JSON.parse(bare), locations: () => locateJson(bare) }
  } catch {
    // V8's own message quotes the text, which may hold a secret.
    const offset = brokenAt(bare)
    const what = bare.slice(offset).trim() === '' ? 'ends too early' : 'is no valid JSON'
    throw new SourceError(what, { class: 'config', where: lineAndColumn(text, offset) })
  }
}

/** Comments and trailing commas become blanks, so that every offset stays what it was. */
function withoutComments(text: string): string {
  const blank = (found: string) => (found.startsWith('"') ? found : found.replaceAll(/[^\n]/g, ' '))
  return text
    .replaceAll(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, blank)
    .replaceAll(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, blank)
}

export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return `line ${line}, column ${offset - before.lastIndexOf('\n')}`
}

const token =
  /\s*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/uy

/** Offset of the first thing that JSON does not allow there; the end of the text where something is missing. */
function brokenAt(text: string): number {
  const open: string[] = []
  let state: 'value' | 'first' | 'key' | 'firstKey' | 'colon' | 'after' = 'value'
  token.lastIndex = 0
  for (let offset = 0; ; offset = token.lastIndex) {
    token.lastIndex = offset
    const match = token.exec(text)
    if (!match) return offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0)
    const at = offset + match[0].search(/\S/)
    const [, mark, string] = match
    if (state === 'value' || state === 'first') {
      if (mark === '{' || mark === '[') {
        open.push(mark)
        state = mark === '{' ? 'firstKey' : 'first'
      } else if (mark === ']' && state === 'first') {
        open.pop()
        state = 'after'
      } else if (mark) return at
      else state = 'after'
    } else if (state === 'key' || state === 'firstKey') {
      if (string) state = 'colon'
      else if (mark === '}' && state === 'firstKey') {
        open.pop()
        state = 'after'
      } else return at
    } else if (state === 'colon') {
      if (mark !== ':') return at
      state = 'value'
    } else if (mark === ',' && open.length > 0) state = open.at(-1) === '{' ? 'key' : 'value'
    else if (mark && mark === (open.at(-1) === '{' ? '}' : open.at(-1) === '[' ? ']' : undefined)) open.pop()
    else return at
  }
}
