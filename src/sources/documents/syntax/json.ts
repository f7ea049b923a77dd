import type { Locate } from '../entry.ts'
import { locateJson } from './json-locations.ts'
import { syntaxError } from './syntax-error.ts'

/** The value of a JSON text. `locations` finds its lines in steps; it throws where one map names a key twice. */
export type JsonText = { readonly value: unknown; readonly locations: () => Generator<void, Locate> }

/** Reads JSON with the comments and trailing commas that VS Code allows. An error names the location and no content. */
export function parseLenientJson(text: string): JsonText {
  try {
    return { value: JSON.parse(text), locations: () => locateJson(text) }
  } catch {
    return parseJsonc(text)
  }
}

function parseJsonc(text: string): JsonText {
  const stripped = stripComments(text)
  try {
    return { value: JSON.parse(stripped), locations: () => locateJson(stripped) }
  } catch {
    const { message, offset } = syntaxErrorIn(stripped)
    throw syntaxError(message, text, offset)
  }
}

/** The error of an invalid JSON text. The message of V8 quotes the text, which may hold a secret. */
export function syntaxErrorIn(text: string): { readonly message: string; readonly offset: number } {
  const offset = offsetOfSyntaxError(text)
  return { offset, message: text.slice(offset).trim() === '' ? 'JSON ends too early' : 'invalid JSON' }
}

/** Replaces comments and trailing commas by blanks, so that every offset stays the same. */
function stripComments(text: string): string {
  const blank = (match: string, unclosed?: unknown) =>
    match.startsWith('"') || typeof unclosed === 'string' ? match : match.replaceAll(/[^\n]/g, ' ')
  return (
    text
      // A string or comment without an end is matched too, so that no later start is tried in it.
      .replaceAll(/"(?:[^"\\\n]|\\.)*"?|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(\/\*[\s\S]*$)/g, blank)
      .replaceAll(/"(?:[^"\\\n]|\\.)*"?|,(?=\s*[}\]])/g, (match) => blank(match))
  )
}

const token =
  /\s*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/uy

/** Offset of the first token that JSON does not allow there; the end of the text where something is missing. */
function offsetOfSyntaxError(text: string): number {
  const open: string[] = []
  let state: 'value' | 'first' | 'key' | 'firstKey' | 'colon' | 'after' = 'value'
  token.lastIndex = 0
  for (let offset = 0; ; offset = token.lastIndex) {
    token.lastIndex = offset
    const match = token.exec(text)
    if (!match) return offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0)
    const start = offset + match[0].search(/\S/)
    const [, mark, string] = match
    if (state === 'value' || state === 'first') {
      if (mark === '{' || mark === '[') {
        open.push(mark)
        state = mark === '{' ? 'firstKey' : 'first'
      } else if (mark === ']' && state === 'first') {
        open.pop()
        state = 'after'
      } else if (mark) return start
      else state = 'after'
    } else if (state === 'key' || state === 'firstKey') {
      if (string) state = 'colon'
      else if (mark === '}' && state === 'firstKey') {
        open.pop()
        state = 'after'
      } else return start
    } else if (state === 'colon') {
      if (mark !== ':') return start
      state = 'value'
    } else if (mark === ',' && open.length > 0) state = open.at(-1) === '{' ? 'key' : 'value'
    else if (mark && mark === (open.at(-1) === '{' ? '}' : open.at(-1) === '[' ? ']' : undefined)) open.pop()
    else return start
  }
}
