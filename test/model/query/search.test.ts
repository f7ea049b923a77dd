import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineEnds, nearMatch, relevanceTo, searchTextOf, wordsOf } from '../../../src/model/query/search.ts'
import { server } from '../../builders.ts'

const capability = (name: string) => ({
  name,
  version: '1.0.0',
  stability: 'stable' as const,
  tags: [],
  kind: 'tool' as const,
  origin: 'declared' as const,
})
const weather = server({
  name: 'weather',
  title: 'Rain\nStation',
  tags: ['geo', 'free'],
  capabilities: [capability('forecast')],
  description: 'Uses token=hunter2 to read clouds.',
})

describe('the words of a search', () => {
  it('are lower-cased, without duplicates', () => {
    assert.deepEqual(wordsOf('  Rain  SUN rain '), ['rain', 'sun'])
    assert.deepEqual(wordsOf(' '), [])
  })
})

describe('the searchable text of a server', () => {
  const text = searchTextOf(weather)

  it('has five lines, without secrets', () => {
    assert.deepEqual(text.split('\n'), [
      'weather',
      'rain station',
      'geo\tfree',
      'forecast',
      'uses token=<redacted> to read clouds.',
    ])
  })

  it('has the line ends that lineEnds finds', () => {
    const { name, title, tags, capabilities } = lineEnds(text)

    assert.deepEqual(
      [
        text.slice(0, name),
        text.slice(name + 1, title),
        text.slice(title + 1, tags),
        text.slice(tags + 1, capabilities),
      ],
      text.split('\n').slice(0, 4),
    )
  })
})

describe('the relevance of a server', () => {
  const text = searchTextOf(weather)
  const relevance = (q: string, isFuzzy = false) => relevanceTo(wordsOf(q), isFuzzy ? nearMatch : undefined)(text)

  it('falls from the whole name to the description', () => {
    const scores = ['weather', 'wea', 'ther', 'rain', 'geo', 'forecast', 'clouds'].map((q) => relevance(q))

    assert.deepEqual(
      scores,
      scores.toSorted((one, other) => other - one),
    )
    assert.equal(new Set(scores).size, scores.length)
  })

  it('is 0 where a word is missing', () => {
    assert.equal(relevance('weather sun'), 0)
    assert.equal(relevance('hunter2'), 0)
  })

  it('is that of the worst word', () => {
    assert.equal(relevance('weather clouds'), relevance('clouds'))
  })

  it('includes near spellings in a fuzzy search only, below every exact one', () => {
    assert.equal(relevance('wether'), 0)
    assert.ok(relevance('wether', true) > 0)
    assert.ok(relevance('wether', true) < relevance('clouds'))
    assert.ok(relevance('forcast', true) > 0)
  })
})
