import { isUtf8 } from 'node:buffer'

/** The text is not a literal of Python. The message never repeats the text, which may be a secret. */
export class PythonLiteralError extends Error {
  override name = 'PythonLiteralError'

  constructor(problem: string, position: number) {
    super(`${problem} at character ${position + 1}`)
  }
}

const opening = /([uUbB]?)(['"])/y
/** Characters that stand for themselves, by the quote; in bytes only those of ASCII. */
const plainText = { "'": /[^'\\\n\r\0]+/y, '"': /[^"\\\n\r\0]+/y }
const plainBytes = { "'": /[^'\\\n\r\0\x80-\uffff]+/y, '"': /[^"\\\n\r\0\x80-\uffff]+/y }
const octal = /[0-7]{1,3}/y
const hexDigits = { x: /[0-9a-fA-F]{2}/y, u: /[0-9a-fA-F]{4}/y, U: /[0-9a-fA-F]{8}/y } as const
const escapes = new Map([
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['\n', ''],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])

/** Parses the string or bytes at `start`; undefined where there is neither. Bytes must be UTF-8 and become text. */
export function parsePythonString(text: string, start: number): { value: string; end: number } | undefined {
  opening.lastIndex = start
  const [match, prefix = '', quote = ''] = opening.exec(text) ?? []
  if (match === undefined) return undefined
  const isBytes = /b/i.test(prefix)
  const plain = (isBytes ? plainBytes : plainText)[quote as '"']
  const parts: string[] = []
  let position = start + match.length

  /** The match of a sticky pattern at the current position, which moves behind it. */
  function take(pattern: RegExp): string {
    pattern.lastIndex = position
    const [taken = ''] = pattern.exec(text) ?? []
    position += taken.length
    return taken
  }

  function escaped(): string {
    const digits = take(octal)
    if (digits !== '') return String.fromCharCode(Number.parseInt(digits, 8))
    const letter = text.charAt(position)
    if (/^[\r\0]?$/.test(letter) || (isBytes && letter > '\x7f')) throw endMissing()
    position += 1
    const simple = escapes.get(letter)
    if (simple !== undefined) return simple
    if (letter === 'x' || (!isBytes && (letter === 'u' || letter === 'U'))) return hexadecimal(letter)
    // repr() never writes a character by its name, and the list of names has megabytes.
    if (letter === 'N' && !isBytes) throw new PythonLiteralError('unsupported escape \\N', position - 2)
    return `\\${letter}`
  }

  function endMissing(): PythonLiteralError {
    return new PythonLiteralError('string without an end', start)
  }

  function hexadecimal(letter: keyof typeof hexDigits): string {
    const code = Number.parseInt(take(hexDigits[letter]), 16)
    if (Number.isNaN(code) || code > 0x10_ff_ff) throw new PythonLiteralError('invalid escape', position - 2)
    return String.fromCodePoint(code)
  }

  for (;;) {
    parts.push(take(plain))
    const end = text.charAt(position)
    if (end === quote) break
    if (end !== '\\') throw endMissing()
    position += 1
    parts.push(escaped())
  }
  const value = parts.join('')
  return { value: isBytes ? decoded(value, start) : value, end: position + 1 }
}

function decoded(bytes: string, start: number): string {
  const encoded = Buffer.from(bytes, 'latin1')
  // An octal escape may exceed a byte.
  if (isUtf8(encoded) && encoded.toString('latin1') === bytes) return encoded.toString('utf8')
  throw new PythonLiteralError('bytes that are not UTF-8', start)
}
