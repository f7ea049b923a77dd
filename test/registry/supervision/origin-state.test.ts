import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runToCompletion } from '../../../src/flow/cooperative.ts'
import { type Reading, SourceError } from '../../../src/model/source.ts'
import type { Layer } from '../../../src/registry/candidate.ts'
import {
  markStale,
  nextOriginState,
  type OriginState,
  toOriginStatus,
} from '../../../src/registry/supervision/origin-state.ts'
import { entry, reading } from '../../builders.ts'

const layer: Layer = { name: 'test', reach: 'any', discovery_method: 'config_file', order: 0 }
const trust = { stdio: () => true, questionsShrinks: false }
const next = (before: OriginState | undefined, now: Reading) =>
  runToCompletion(nextOriginState(before, now, { layer, trust }))
const shown = ({ candidates }: OriginState) => candidates.map(({ id, stale }) => `${id}${stale ? ' stale' : ''}`)

describe('the state of an origin', () => {
  const first = next(undefined, reading('a', 'weather', 'maps'))

  it('is the same object after the same reading object', () => {
    assert.equal(next(first, first.reading), first)
  })

  it('reuses the candidates that are equal', () => {
    const second = next(first, {
      origin: 'a',
      entries: [entry({ name: 'weather' }), entry({ name: 'maps', title: 'M' })],
    })

    assert.equal(second.candidates[0], first.candidates[0])
    assert.notEqual(second.candidates[1], first.candidates[1])
  })

  it('knows where an entry stands, also once it has moved, but not while it is stale', () => {
    const at = (where: string): Reading => ({
      origin: 'a',
      entries: [{ value: { name: 'maps', url: 'http://maps.test/mcp' }, where }],
    })
    const before = next(undefined, at('line 3'))
    const [candidate] = before.candidates
    assert.equal(candidate?.where, 'line 3')

    const moved = next(before, at('line 9'))
    assert.equal(moved.candidates[0], candidate)
    assert.equal(candidate?.where, 'line 9')
    const failed = next(moved, { origin: 'a', error: new SourceError('torn') })
    assert.equal(failed.candidates[0]?.where, undefined)
  })

  it('keeps every candidate as stale after an error', () => {
    const failed = next(first, { origin: 'a', error: new SourceError('torn', { class: 'config', where: 'line 3' }) })

    assert.deepEqual(shown(failed), ['default/weather stale', 'default/maps stale'])
    assert.deepEqual(toOriginStatus(failed), {
      origin: 'a',
      servers: 2,
      stale: true,
      error: 'torn',
      error_class: 'config',
      where: 'line 3',
    })
  })

  it('keeps the last good version of an entry that became invalid', () => {
    const second = next(first, {
      origin: 'a',
      entries: [entry({ name: 'weather', url: 7 }), entry({ name: 'new', url: 7 })],
    })

    assert.deepEqual(shown(second), ['default/weather stale'])
    assert.deepEqual(
      second.rejections.map(({ name, kept }) => [name, kept]),
      [
        ['weather', true],
        ['new', false],
      ],
    )
  })

  it('marks candidates as stale once', () => {
    const stale = markStale(first.candidates)

    assert.equal(markStale(stale), stale)
  })
})
