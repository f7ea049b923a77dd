import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parsePythonLiteral } from '../../../src/stores/legacy/python-literal.ts'
import { installed } from '../../programs.ts'
import { createRandom } from '../../random.ts'

const python = installed('python3')
const skip = python === undefined ? 'python3 is not installed' : false

describe('a Python literal', () => {
  const literals: [string, unknown][] = [
    ['{}', {}],
    ['()', []],
    ['set()', []],
    ['(1,)', [1]],
    ['(1)', 1],
    ["{'a', 'b',}", ['a', 'b']],
    [
      "{'env': 'prod', 'n': [1, -2.5e-3, (True, False, None),],}",
      { env: 'prod', n: [1, -0.0025, [true, false, null]] },
    ],
    [
      `{'quote': "it's", "say": 'a "word"', 'both': 'it\\'s "so"'}`,
      { quote: "it's", say: 'a "word"', both: `it's "so"` },
    ],
    [String.raw`'\\ \a\b\f\n\r\t\v \x41 \u6f22 \U0001f989 \101 \q'`, '\\ \x07\b\f\n\r\t\v A 漢 \u{1f989} A \\q'],
    ["'one \\\nline'", 'one line'],
    [String.raw`b'\xc3\xa9\u0041'`, String.raw`é\u0041`],
    ["u'of Python 2'", 'of Python 2'],
    ["{1: 'a', True: 'b', None: 'c', 1.5: 'd', b'e': 'f'}", { 1: 'a', true: 'b', null: 'c', '1.5': 'd', e: 'f' }],
    ["{'a': 1, 'a': 2}", { a: 2 }],
    [" { 'spaces' :\n[ 1 ,\t2 ] } ", { spaces: [1, 2] }],
  ]
  for (const [text, value] of literals) {
    it(`is read: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parsePythonLiteral(text).value, value)
    })
  }

  const rejected: [string, RegExp][] = [
    ['', /no literal at character 1/],
    ["{'at': datetime.datetime(2025, 6, 10, 12, 0)}", /no literal at character 8/],
    ["{'s': <Stability.STABLE: 'stable'>}", /no literal at character 7/],
    ['OrderedDict()', /no literal/],
    ['__import__("os")', /no literal/],
    ['Ellipsis', /no literal/],
    ['1j', /no literal/],
    ['(1+2j)', /"," or "\)" expected at character 3/],
    ['1 + 1', /end expected at character 3/],
    ['0x10', /no literal/],
    ['010', /leading zero/],
    ['[1 2]', /"," or "\]" expected at character 4/],
    ['[,]', /no literal/],
    ["{'a': 1, 'b'}", /":" expected/],
    ['{[1]: 2}', /no literal at character 2/],
    ["{'a' 1}", /"," or "}" expected/],
    ["'open", /string without an end at character 1/],
    ["'open\\", /string without an end at character 1/],
    ["'two\nlines'", /string without an end/],
    [String.raw`'\x4'`, /invalid escape at character 2/],
    [String.raw`'\U00110000'`, /invalid escape/],
    [String.raw`'\N{DIGIT ONE}'`, /unsupported escape \\N at character 2/],
    [String.raw`b'\xff'`, /bytes that are not UTF-8/],
    ["b'é'", /string without an end at character 1/],
    ["f'{1}'", /no literal/],
  ]
  for (const [text, reason] of rejected) {
    it(`is not: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parsePythonLiteral(text), { name: 'PythonLiteralError', message: reason })
    })
  }

  it('reports numbers that JSON cannot hold', () => {
    const read = (text: string) => {
      const { value, losses } = parsePythonLiteral(text)
      return [value, [...losses]]
    }

    assert.deepEqual(read('[inf, -inf, nan]'), [[null, null, null], ['infinite']])
    assert.deepEqual(read('{inf: 1}'), [{ Infinity: 1 }, ['infinite']])
    assert.deepEqual(read(`1${'0'.repeat(400)}`), [null, ['infinite']])
    assert.deepEqual(read('9007199254740993'), [9007199254740992, ['rounded']])
    assert.deepEqual(read('[9007199254740991, 1e300]'), [[9007199254740991, 1e300], []])
  })

  it('sets no prototype', () => {
    const { value } = parsePythonLiteral("{'__proto__': {'admin': True}}")

    assert.deepEqual(Object.keys(value as object), ['__proto__'])
    assert.equal((value as { admin?: boolean }).admin, undefined)
  })

  it('is limited in depth and length', () => {
    assert.doesNotThrow(() => parsePythonLiteral('['.repeat(200) + ']'.repeat(200)))
    assert.throws(() => parsePythonLiteral('['.repeat(201)), /nesting deeper than 200 levels/)
    assert.throws(() => parsePythonLiteral('{'.repeat(1_000_000)), /nesting deeper than 200 levels/)
    assert.throws(() => parsePythonLiteral(' '.repeat(16 * 1024 * 1024 + 1)), /more than 16777216 characters/)
  })

  it('takes time proportional to its length', () => {
    const million = 1_000_000
    const texts = [
      '1'.repeat(million),
      `${'1'.repeat(million)}x`,
      `1.${'1'.repeat(million)}e`,
      `'${'\\'.repeat(million)}`,
      `'${'\\x41'.repeat(million / 4)}`,
      `{${"'".repeat(million)}`,
      ' '.repeat(million),
      `[${'{},'.repeat(million / 3)}`,
      `{{${"'a': ".repeat(million / 5)}`,
    ]
    const started = performance.now()

    for (const text of texts) assert.doesNotThrow(() => tryToParse(text))

    // Anything quadratic would take minutes.
    assert.ok(performance.now() - started < 20_000)
  })

  it('has the value that Python reads, and is accepted where repr() wrote it', { skip }, () => {
    const { label, below } = createRandom()
    const count = 4000
    const script = join(import.meta.dirname, 'python-literals.py')
    const { stdout, stderr, status } = spawnSync(python!, [script, String(below(2 ** 32)), String(count)], {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    })
    assert.equal(status, 0, stderr)
    const lines = stdout.split('\n').filter((line) => line !== '')
    assert.equal(lines.length, count)

    let accepted = 0
    for (const [index, line] of lines.entries()) {
      const expected = JSON.parse(line) as { text: string; value?: unknown }
      const parsed = tryToParse(expected.text)
      if (parsed) {
        accepted += 1
        assert.ok('value' in expected, `${label}: Python reads no JSON in ${JSON.stringify(expected.text)}`)
        // As stored: JSON has one zero.
        const [value, wanted] = [parsed.value, withDicts(expected.value)].map((one) => JSON.stringify(one))
        assert.equal(value, wanted, `${label}: ${JSON.stringify(expected.text)}`)
      } else {
        assert.ok(index >= count / 2, `${label}: not accepted: ${JSON.stringify(expected.text)}`)
      }
    }
    assert.ok(accepted > count / 2)
  })
})

/** Lists of pairs as objects. JSON.parse of Node 24 confuses some escaped keys: https://github.com/nodejs/node/issues/63785 */
function withDicts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDicts)
  if (typeof value !== 'object' || value === null) return value
  const { dict } = value as { dict: readonly [string, unknown][] }
  return Object.fromEntries(dict.map(([key, item]) => [key, withDicts(item)]))
}

function tryToParse(text: string): { value: unknown } | undefined {
  try {
    return parsePythonLiteral(text)
  } catch (error) {
    assert.ok(error instanceof Error && error.name === 'PythonLiteralError', String(error))
    return undefined
  }
}
