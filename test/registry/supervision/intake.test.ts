import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Reading, SourceError } from '../../../src/model/source.ts'
import type { Delta, Layer } from '../../../src/registry/candidate.ts'
import { createIntake } from '../../../src/registry/supervision/intake.ts'
import { entry, reading } from '../../builders.ts'

const layer: Layer = { name: 'test', reach: 'any', discovery_method: 'config_file', order: 0 }
const torn = new SourceError('torn')

/** An intake, and the names that it holds, stale ones with a `~`. */
function createTestIntake() {
  const intake = createIntake({ layer })
  const names = new Map<string, string>()

  function apply({ removed: gone, added: come }: Delta): string[] {
    for (const { id, origin } of gone) names.delete(`${origin} ${id}`)
    for (const { id, origin, definition, stale } of come)
      names.set(`${origin} ${id}`, `${stale ? '~' : ''}${definition.name}`)
    return [...names.values()].toSorted()
  }

  return {
    picture: (...readings: Reading[]) => apply(intake.accept({ type: 'picture', readings }).delta),
    change: (readings: Reading[], ...gone: string[]) => apply(intake.accept({ type: 'change', readings, gone }).delta),
    intake,
  }
}

describe('intake', () => {
  it('keeps the servers of an unreadable origin as stale, and the others untouched', () => {
    const { picture } = createTestIntake()
    picture(reading('a.yaml', 'a', 'b'), reading('b.yaml', 'c'))

    assert.deepEqual(picture({ origin: 'a.yaml', error: torn }, reading('b.yaml', 'c')), ['c', '~a', '~b'])
    assert.deepEqual(picture(reading('a.yaml', 'a'), reading('b.yaml', 'c')), ['a', 'c'])
  })

  it('drops the servers of an origin that answers an empty list or is missing from the picture', () => {
    const { picture } = createTestIntake()
    picture(reading('a.yaml', 'a'), reading('b.yaml', 'b'), reading('c.yaml', 'c'))

    assert.deepEqual(picture(reading('a.yaml'), reading('c.yaml', 'c')), ['c'])
  })

  it('touches only the origins that a change names', () => {
    const { picture, change } = createTestIntake()
    picture(reading('a', 'a'), reading('b', 'b'), reading('c', 'c'))

    assert.deepEqual(change([reading('a', 'a2')], 'b'), ['a2', 'c'])
  })

  it('rejects one bad entry, and keeps its neighbours and its own last good version', () => {
    const { picture, intake } = createTestIntake()
    picture(reading('a.yaml', 'a', 'b'))

    const names = picture({ origin: 'a.yaml', entries: [entry({ name: 'a' }), entry({ name: 'b', url: 7 })] })

    assert.deepEqual(names, ['a', '~b'])
    assert.equal(intake.summary().rejected, 1)
  })

  it('changes nothing when a sighting is repeated', () => {
    const { intake } = createTestIntake()
    intake.accept({ type: 'picture', readings: [reading('a.yaml', 'a')] })

    const { delta } = intake.accept({ type: 'picture', readings: [reading('a.yaml', 'a')] })

    assert.deepEqual(delta, { removed: [], added: [] })
  })

  it('lists a limited number of origins, failing ones first', () => {
    const { picture, intake } = createTestIntake()
    const many = Array.from({ length: 30 }, (_, n) => reading(`${n}.yaml`, `s${n}`))
    picture(...many, { origin: 'torn.yaml', error: torn })

    const { origins } = intake.details({ origins: 10, rejections: 10 })

    assert.equal(origins.length, 10)
    assert.equal(origins[0]?.origin, 'torn.yaml')
    assert.deepEqual(new Set(origins.slice(1).map(({ stale }) => stale)), new Set([false]))
  })

  it('lists a limited number of rejections', () => {
    const { picture, intake } = createTestIntake()
    picture({ origin: 'a.yaml', entries: Array.from({ length: 30 }, (_, n) => entry({ name: `s${n}`, url: 7 })) })

    assert.equal(intake.details({ origins: 10, rejections: 5 }).rejections.length, 5)
    assert.equal(intake.summary().rejected, 30)
  })
})
