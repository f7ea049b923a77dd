import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineEnds, nearMatch, relevanceTo, searchTextOf, wordsOf } from '../../../src/model/query/search.ts'
import { createInvertedIndex } from '../../../src/registry/index/inverted-index.ts'
import { lettersOf, relevanceOfSlots } from '../../../src/registry/index/text-search.ts'
import { server } from '../../builders.ts'

const servers = ['weather', 'whether', 'Wether Station', 'maps'].map((name) =>
  server({ name, tags: [`${name}-tag`, 'geo'] }),
)

describe('the relevance of slots', () => {
  const index = createInvertedIndex()
  for (const [slot, one] of servers.entries()) index.update(slot, one)

  for (const fuzzy of [false, true]) {
    for (const q of ['weather', 'wether', 'geo', 'goe', 'maps geo', 'station', 'nothing', 'maps-tga']) {
      it(`of ${q} equals that of the texts, ${fuzzy ? 'fuzzy' : 'exact'}`, () => {
        const relevance = relevanceOfSlots(index, { q, fuzzy, capacity: servers.length })
        const expected = relevanceTo(wordsOf(q), fuzzy ? nearMatch : undefined)

        assert.deepEqual(
          servers.map((_, slot) => relevance(slot)),
          servers.map((one) => expected(searchTextOf(one))),
        )
      })
    }
  }
})

describe('the inverted index of texts', () => {
  it('returns the line ends of each text', () => {
    const index = createInvertedIndex()
    for (const [slot, one] of servers.entries()) index.update(slot, one)

    for (const [slot, one] of servers.entries())
      assert.deepEqual({ ...index.lineEnds(slot) }, lineEnds(searchTextOf(one)))
  })
})

describe('the letters of a text', () => {
  it('are a bit each, in any order and number', () => {
    assert.equal(lettersOf('abba'), lettersOf('ab'))
    assert.notEqual(lettersOf('ab'), lettersOf('ac'))
    assert.equal(lettersOf(''), 0)
  })
})
