import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SourceError } from '../../../../src/model/source.ts'
import { parseJson5 } from '../../../../src/sources/documents/syntax/json5.ts'

const table: readonly [text: string, value: unknown][] = [
  ['{a: 1, $b_2: 2, "c": 3, \'d\': 4, größe: 5}', { a: 1, $b_2: 2, c: 3, d: 4, größe: 5 }],
  ['[1, 2,]', [1, 2]],
  ['{a: [{b: null,},],}', { a: [{ b: null }] }],
  ['[0x1F, +1, -0xa, .5, 5., 1e3, -.5e-1]', [31, 1, -10, 0.5, 5, 1000, -0.05]],
  [String.raw`['a\'b', "a'b", 'a"b', 'A\x41\v\0', 'é\q']`, ["a'b", "a'b", 'a"b', 'AA\v\0', 'éq']],
  ["'one \\\ntwo'", 'one two'],
  ['/* head */ {a: "/* no comment */", // tail, }\n b: "//"}', { a: '/* no comment */', b: '//' }],
  ['{true: true, null: false, Infinity: 1}', { true: true, null: false, Infinity: 1 }],
  ['{a: "x, ]"}', { a: 'x, ]' }],
]

describe('JSON5', () => {
  for (const [text, value] of table)
    it(`has the value of ${JSON.stringify(text)}`, () => assert.deepEqual(parseJson5(text).value, value))

  it('has lines, also after a text over two lines', () => {
    const locate = parseJson5("{\n servers: {\n  a: {description: 'x\\\n y'},\n  b: {}}}").locations()
    let step = locate.next()
    while (!step.done) step = locate.next()
    assert.equal(step.value(['servers', 'a']), 3)
    assert.equal(step.value(['servers', 'b']), 5)
  })

  for (const [text, where] of [
    ['{a: 1,\n b: }', 'line 2, column 5'],
    ["{a: 'open\n}", 'line 1, column 5'],
    ['{a: Infinity}', 'line 1, column 5'],
    ['{a: 010}', 'line 1, column 5'],
    ['{a: 1', 'line 1, column 6'],
    ["{a: 'secret' 'canary'}", 'line 1, column 14'],
  ] as const)
    it(`names the place of the error in ${JSON.stringify(text)} and quotes nothing`, () =>
      assert.throws(
        () => parseJson5(text),
        (error) => error instanceof SourceError && error.where === where && !/canary|secret/.test(error.message),
      ))

  it('rejects one map that names a key twice', () => {
    assert.throws(() => [...parseJson5("{a: 1, 'a': 2}").locations()], /twice/)
  })
})
