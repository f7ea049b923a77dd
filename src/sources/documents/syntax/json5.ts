import type { SourceError } from '../../../model/source.ts'
import { locateJson } from './json-locations.ts'
import { type JsonText, syntaxErrorIn } from './json.ts'
import { syntaxError } from './syntax-error.ts'

/** The tokens of JSON5, https://spec.json5.org: blanks and comments, texts, words, numbers, marks. */
const token =
  /(?<blank>(?:[\s\uFEFF]|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/)+)|(?<text>"(?:[^"\\\n\r]|\\[\s\S])*"|'(?:[^'\\\n\r]|\\[\s\S])*')|(?<word>[\p{ID_Start}$_][\p{ID_Continue}$]*)|(?<number>[+-]?(?:0[xX][\da-fA-F]+|(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\p{ID_Continue}$.]))|(?<mark>[{}[\]:,])/uy

type Token = { readonly offset: number; readonly groups: Readonly<Record<string, string | undefined>> }

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', 0: '\0' }

/**
 * Reads JSON5 by writing it as JSON, token by token and line by line, so that values have their lines. `Infinity` and `NaN`
 * are rejected, because no field of a server takes them. An error names the location and no content.
 *
 * No library does: `json5` 2.2.3 tells no lines of values, and `@humanwhocodes/momoa` 3.3.13 rejects `5.` and `{true: 1}`.
 */
export function parseJson5(text: string): JsonText {
  const tokens = tokensOf(text)
  const pieces: string[] = []
  /** Offsets of each piece in the JSON. */
  const offsets: number[] = []
  let length = 0
  let next: string | undefined
  for (const { offset, groups } of tokens.toReversed()) {
    const piece = toJson(groups, next)
    if (piece === undefined) throw invalid(text, offset)
    pieces.push(piece)
    if (groups['blank'] === undefined) next = groups['mark']
  }
  pieces.reverse()
  for (const piece of pieces) {
    offsets.push(length)
    length += piece.length
  }
  const json = pieces.join('')
  try {
    return { value: JSON.parse(json), locations: () => locateJson(json) }
  } catch {
    const { message, offset } = syntaxErrorIn(json)
    const index = offsets.findLastIndex((start) => start <= offset)
    throw invalid(text, offset >= length ? text.length : (tokens[index]?.offset ?? 0), message)
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  for (let offset = 0; offset < text.length; offset = token.lastIndex) {
    token.lastIndex = offset
    const groups = token.exec(text)?.groups
    if (!groups) throw invalid(text, offset)
    tokens.push({ offset, groups })
  }
  return tokens
}

/** A token as JSON with the same number of line breaks; undefined for a word that is no key and no value. `next` is the mark that follows. */
function toJson({ blank, text, word, number, mark }: Token['groups'], next: string | undefined): string | undefined {
  if (blank !== undefined) return blank.replaceAll(/[^\n]/g, ' ')
  if (text !== undefined) return JSON.stringify(decodeText(text)) + '\n'.repeat(text.split('\n').length - 1)
  if (number !== undefined) return String(Number(number.replace(/^[+-]/, '')) * (number.startsWith('-') ? -1 : 1))
  if (word !== undefined && next === ':') return JSON.stringify(word)
  if (word !== undefined) return /^(true|false|null)$/.test(word) ? word : undefined
  return mark === ',' && (next === ']' || next === '}') ? ' ' : mark
}

function decodeText(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replaceAll(
      /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|(\r\n|[\n\r\u2028\u2029])|([\s\S]))/g,
      (_, hex?: string, unicode?: string, lineBreak?: string, character = '') => {
        const code = hex ?? unicode
        if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
        return lineBreak === undefined ? (escapes[character] ?? String(character)) : ''
      },
    )
}

function invalid(text: string, offset: number, message = 'invalid JSON5'): SourceError {
  return syntaxError(message.replace(/\bJSON\b/, 'JSON5'), text, offset)
}
