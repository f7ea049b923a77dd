import { parsePythonString, PythonLiteralError } from './python-string.ts'

/** The value of a Python literal as JSON has it, and the kinds of values that JSON cannot hold exactly. */
export type PythonLiteral = { readonly value: unknown; readonly losses: ReadonlySet<PythonLoss> }

/** `infinite`: infinity or no number, read as null. `rounded`: an integer beyond 2^53, read as the nearest double. */
export type PythonLoss = 'infinite' | 'rounded'

/** Maximum length of a literal, in characters. */
const maxLength = 16 * 1024 * 1024
/** Maximum nesting, in levels; Python's own parser allows as many. */
const maxDepth = 200

const spaces = /[ \t\n\r\f]+/y
const numbers = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y
const names = /[+-]?[A-Za-z]+(?![\w.(])/y
const emptySet = /set\(\)/y
const constants = new Map<string, { readonly value: boolean | null; readonly key: string }>([
  ['True', { value: true, key: 'true' }],
  ['False', { value: false, key: 'false' }],
  ['None', { value: null, key: 'null' }],
])
const notFinite = new Map([
  ['inf', 'Infinity'],
  ['-inf', '-Infinity'],
  ['nan', 'NaN'],
])

type Scalar = {
  readonly value: unknown
  /** Its text as a key of JSON, as Python's `json.dumps` writes it. */
  readonly key: string
}

/**
 * Parses what `repr()` of Python 2 and 3 writes for dict, list, tuple, set, str, bytes, int, float, bool and None.
 *
 * A tuple or set becomes a list, bytes become text, and every key becomes text. Nothing is evaluated: anything else, such
 * as a complex number or a `datetime`, is a `PythonLiteralError`. Takes time proportional to the length.
 */
export function parsePythonLiteral(text: string): PythonLiteral {
  const losses = new Set<PythonLoss>()
  let position = 0
  let depth = 0
  if (text.length > maxLength) throw new PythonLiteralError(`more than ${maxLength} characters`, maxLength)
  const value = readValue()
  if (peek() !== '') throw failure('end expected')
  return { value, losses }

  function failure(problem: string): PythonLiteralError {
    return new PythonLiteralError(problem, position)
  }

  /** The match of a sticky pattern at the current position, which moves behind it. */
  function take(pattern: RegExp): string {
    pattern.lastIndex = position
    const [taken = ''] = pattern.exec(text) ?? []
    position += taken.length
    return taken
  }

  /** The next character that is no space; empty at the end. */
  function peek(): string {
    take(spaces)
    return text.charAt(position)
  }

  function takeIf(character: string): boolean {
    const isNext = peek() === character
    if (isNext) position += 1
    return isNext
  }

  function readValue(): unknown {
    const first = peek()
    if (first === '{') return nested(readBraces)
    if (first === '[') return nested(() => readItems([], ']'))
    if (first === '(') return nested(readParentheses)
    return take(emptySet) === '' ? readScalar().value : []
  }

  function nested(readContent: () => unknown): unknown {
    if (depth === maxDepth) throw failure(`nesting deeper than ${maxDepth} levels`)
    depth += 1
    position += 1
    const content = readContent()
    depth -= 1
    return content
  }

  /** Reads the items up to the `end`, behind those that were read already. */
  function readItems(items: unknown[], end: string): unknown[] {
    while (!takeIf(end)) {
      items.push(readValue())
      takeCommaBefore(end)
    }
    return items
  }

  function takeCommaBefore(end: string): void {
    if (!takeIf(',') && peek() !== end) throw failure(`"," or "${end}" expected`)
  }

  /** A tuple; one value without a comma is that value. */
  function readParentheses(): unknown {
    if (takeIf(')')) return []
    const first = readValue()
    if (takeIf(')')) return first
    takeCommaBefore(')')
    return readItems([first], ')')
  }

  /** A dict or a set. */
  function readBraces(): unknown {
    const start = position
    if (takeIf('}')) return {}
    const first = readValue()
    if (peek() !== ':') {
      takeCommaBefore('}')
      return readItems([first], '}')
    }
    position = start
    return readDict()
  }

  function readDict(): unknown {
    const entries: [string, unknown][] = []
    while (!takeIf('}')) {
      peek()
      const { key } = readScalar()
      if (!takeIf(':')) throw failure('":" expected')
      entries.push([key, readValue()])
      takeCommaBefore('}')
    }
    // Unlike an assignment, this makes a plain property even of `__proto__`.
    return Object.fromEntries(entries)
  }

  /** A value that is no container. */
  function readScalar(): Scalar {
    const string = parsePythonString(text, position)
    if (string) {
      position = string.end
      return { value: string.value, key: string.value }
    }
    const number = take(numbers)
    if (number !== '') return numberOf(number)
    const start = position
    const name = take(names)
    const constant = constants.get(name)
    if (constant) return constant
    const key = notFinite.get(name)
    if (key !== undefined) return { value: infinite(), key }
    position = start
    throw failure('no literal')
  }

  function numberOf(digits: string): Scalar {
    if (/^[+-]?0+[1-9]\d*$/.test(digits)) throw failure('integer with a leading zero')
    const number = Number(digits)
    if (!Number.isFinite(number)) return { value: infinite(), key: digits }
    if (/^[+-]?\d+$/.test(digits) && !Number.isSafeInteger(number)) losses.add('rounded')
    return { value: number, key: digits }
  }

  /** JSON has no such number; the original wrote null into its own JSON too. */
  function infinite(): null {
    losses.add('infinite')
    return null
  }
}
