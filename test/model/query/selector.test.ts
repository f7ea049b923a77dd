import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseSelector, matchesSelector, formatSelector } from '../../../src/model/query/selector.ts'

describe('a label selector', () => {
  for (const [text, canonical] of [
    ['', ''],
    ['  ', ''],
    ['x', 'x'],
    ['!x', '!x'],
    [' ! x ', '!x'],
    ['x=a', 'x in (a)'],
    ['x == a', 'x in (a)'],
    ['x!=a', 'x notin (a)'],
    ['x=', 'x in ()'],
    ['x=,y', 'x in (),y'],
    ['x in (a,b)', 'x in (a,b)'],
    ['x in (b,a,a)', 'x in (a,b)'],
    ['x in (a,,a,)', 'x in (,a)'],
    ['x in ()', 'x in ()'],
    ['x notin (abc,,def),bar,z in (),w', 'bar,w,x notin (,abc,def),z in ()'],
    ['x in(in,notin)', 'x in (in,notin)'],
    ['x=in', 'x in (in)'],
    ['example.org/team=a.b-c_d', 'example.org/team in (a.b-c_d)'],
    ['y,x,y', 'x,y'],
    ['x\n=\ta', 'x in (a)'],
  ] as const) {
    it(`parses ${JSON.stringify(text)}`, () => {
      assert.equal(formatSelector(parseSelector(text)), canonical)
    })
  }

  for (const [text, at] of [
    [',', 1],
    ['x,', 3],
    ['x,,y', 3],
    ['x in', 5],
    ['x in a', 6],
    ['x in (a', 8],
    ['x in (a b)', 9],
    ['x in (a))', 9],
    ['x in ((a))', 7],
    ['x not in (a)', 3],
    ['!x=a', 3],
    ['!!x', 2],
    ['=a', 1],
    ['x=a b', 5],
    ['x=a=b', 4],
    ['x>1', 2],
    ['in in (a)', 1],
    ['x===a', 4],
    ['-x', 1],
    ['x=-a', 3],
    [`${'k'.repeat(64)}=a`, 1],
    [`x=${'v'.repeat(64)}`, 3],
    ['Exa.mple/x', 1],
    ['x in (a,b', 10],
    ['x=ä', 3],
    ['x=\u0000', 3],
  ] as const) {
    it(`rejects ${JSON.stringify(text).slice(0, 30)}, with the position of the error`, () => {
      assert.throws(() => parseSelector(text), {
        name: 'SelectorError',
        at,
        message: new RegExp(`character ${at}\\)$`),
      })
    })
  }

  it('rejects a very long text at once, whatever it contains', () => {
    const started = performance.now()
    for (const text of [
      '('.repeat(4096),
      '!'.repeat(4096),
      ' '.repeat(4097),
      'x,'.repeat(2048),
      `x in (${',a'.repeat(2048)}`,
    ])
      assert.throws(() => parseSelector(text), { name: 'SelectorError' })
    assert.ok(performance.now() - started < 500)
  })

  for (const [selector, labels, holds] of [
    ['x=a', { x: 'a' }, true],
    ['x=a', { x: 'b' }, false],
    ['x=a', {}, false],
    ['x!=a', {}, true],
    ['x!=a', { x: 'b' }, true],
    ['x!=a', { x: 'a' }, false],
    ['x notin (a,b)', {}, true],
    ['x in (a,b)', { x: 'b' }, true],
    ['x', { x: '' }, true],
    ['x=', { x: '' }, true],
    ['x=', {}, false],
    ['!x', {}, true],
    ['!x', { x: '' }, false],
    ['x=a,y', { x: 'a' }, false],
    ['x=a,y', { x: 'a', y: '1' }, true],
    ['constructor', {}, false],
    ['!toString', {}, true],
    ['', {}, true],
  ] as const) {
    it(`${holds ? 'holds' : 'does not hold'}: ${selector || '(empty)'} of ${JSON.stringify(labels)}`, () => {
      assert.equal(matchesSelector(parseSelector(selector), labels), holds)
    })
  }
})
