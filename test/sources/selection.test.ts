import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Entry } from '../../src/model/source.ts'
import { identityOf } from '../../src/sources/documents/entry.ts'
import { matchesWildcard, createEntrySelector, type Selection } from '../../src/sources/selection.ts'
import { entry } from '../builders.ts'

const all: readonly Entry[] = [
  entry({ name: 'weather', tags: ['geo', 'free'] }),
  entry({ name: 'weather-test', tags: ['geo'] }),
  entry({ name: 'news', namespace: 'press' }),
  { problem: 'is broken', name: 'maps' },
  entry({ name: 42, tags: 'none' }),
]
const select = (selection: Selection) => all.flatMap((one) => createEntrySelector(selection)(one) ?? [])
const names = (selection: Selection) => select(selection).map((one) => identityOf(one).name)

describe('the entry selector', () => {
  it('returns every entry unchanged without conditions', () => {
    assert.deepEqual(select({}), all)
    assert.equal(select({})[0], all[0])
  })

  const cases: readonly [string, Selection, readonly (string | undefined)[]][] = [
    ['by name', { include: { names: ['weather*', 'maps'] } }, ['weather', 'weather-test', 'maps']],
    ['by tag', { include: { tags: ['fre*'] } }, ['weather']],
    ['by name and tag', { include: { names: ['*test', 'news'], tags: ['geo'] } }, ['weather-test']],
    ['but not those excluded by name', { include: { names: ['w*'] }, exclude: { names: ['*-test'] } }, ['weather']],
    ['but not those excluded by tag', { exclude: { tags: ['geo'] } }, ['news', 'maps', undefined]],
    [
      'but not those excluded by either',
      { exclude: { names: ['news'], tags: ['free'] } },
      ['weather-test', 'maps', undefined],
    ],
  ]
  for (const [what, selection, expected] of cases) {
    it(`selects servers ${what}`, () => assert.deepEqual(names(selection), expected))
  }

  it('prefixes every name, also that of an entry with a problem', () => {
    assert.deepEqual(names({ prefix: 'partner.' }), [
      'partner.weather',
      'partner.weather-test',
      'partner.news',
      'partner.maps',
      undefined,
    ])
  })

  it('adds tags once, and a namespace to entries without one', () => {
    const [weather, , news, maps] = select({ tags: ['free', 'partner'], namespace: 'partner' })

    assert.deepEqual(weather, entry({ name: 'weather', tags: ['geo', 'free', 'partner'], namespace: 'partner' }))
    assert.deepEqual(news, entry({ name: 'news', tags: ['free', 'partner'], namespace: 'press' }))
    assert.deepEqual(maps, { problem: 'is broken', name: 'maps', namespace: 'partner' })
  })

  it('does not modify its input', () => {
    const before = structuredClone(all)
    select({ tags: ['x'], prefix: 'y', namespace: 'z' })
    assert.deepEqual(all, before)
  })
})

describe('the wildcard matcher', () => {
  for (const [glob, text, expected] of [
    ['*', '', true],
    ['*', 'anything', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['a*', 'ab', true],
    ['*b', 'ab', true],
    ['a*b', 'ab', true],
    ['ab*b', 'ab', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['com.example/*', 'com.example/weather', true],
    ['a.c', 'abc', false],
  ] as const) {
    it(`${expected ? 'matches' : 'does not match'} "${text}" with "${glob}"`, () =>
      assert.equal(matchesWildcard(glob, text), expected))
  }

  it('takes linear time for a hostile text', () => {
    const before = performance.now()
    assert.equal(matchesWildcard('*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(100_000)), false)
    assert.ok(performance.now() - before < 50)
  })
})
