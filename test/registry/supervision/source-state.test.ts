import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLog, type Log, silent } from '../../../src/log.ts'
import { type Reading, type Sighting, SourceError } from '../../../src/model/source.ts'
import type { Layer } from '../../../src/registry/candidate.ts'
import { createIntake } from '../../../src/registry/supervision/intake.ts'
import { createSourceState } from '../../../src/registry/supervision/source-state.ts'
import { reading } from '../../builders.ts'

const layer: Layer = { name: 'test', reach: 'any', discovery_method: 'config_file', order: 0 }
const broken = (origin: string): Reading => ({ origin, error: new SourceError('down') })

/** The state of a source whose sightings go through a real intake. */
function createTestState(log: Log = silent) {
  const intake = createIntake({ layer })
  const state = createSourceState({ name: 'files', type: 'file', intake, log, now: () => 0 })
  return {
    ...state,
    see: (sighting: Sighting): string => {
      intake.accept(sighting)
      state.sighted(sighting, { isChanged: false })
      state.update()
      return state.status().state
    },
    fail: (): string => {
      state.failed(new SourceError('lost'))
      state.update()
      return state.status().state
    },
  }
}
const picture = (...readings: Reading[]): Sighting => ({ type: 'picture', readings })

describe('the state of a source', () => {
  it('is starting until an origin has answered', () => {
    const { see, isAnswered } = createTestState()

    assert.equal(see(picture(broken('a'))), 'starting')
    assert.equal(isAnswered(), false)
    assert.equal(see(picture(reading('a', 'weather'))), 'synced')
    assert.equal(isAnswered(), true)
  })

  it('is degraded while some origins fail, and stale while all do', () => {
    const { see } = createTestState()
    see(picture(reading('a', 'weather'), reading('b', 'maps')))

    assert.equal(see(picture(broken('a'), reading('b', 'maps'))), 'degraded')
    assert.equal(see(picture(broken('a'), broken('b'))), 'stale')
    assert.equal(see(picture(reading('a', 'weather'), reading('b', 'maps'))), 'synced')
  })

  it('is degraded while every entry is rejected, also where their last good versions are kept', () => {
    const { see, status } = createTestState()
    const rejected: Reading = { origin: 'a', entries: [{ value: { name: 'weather', url: 5 }, where: 'line 3' }] }

    assert.equal(see(picture(rejected)), 'degraded')
    assert.equal(status().last_error, 'every entry is rejected (1), the first at line 3 of a; see rejections')
    assert.equal(see(picture(reading('a', 'weather'))), 'synced')
    assert.equal(see(picture(rejected)), 'degraded')
    assert.deepEqual([status().servers, status().rejected], [1, 1])
    assert.equal(see(picture(rejected, reading('b', 'maps'))), 'synced')
  })

  it('logs the reason of a rejected entry, without its secrets', () => {
    const lines: string[] = []
    const log = createLog({ destination: { write: (line) => void lines.push(line) } })
    const { see } = createTestState(log)
    const value = { name: 'weather', command: 'x', env: { API_TOKEN: ['s3cret-value'] } }

    see(picture({ origin: 'a', entries: [{ value, where: 'line 3' }] }))

    const line = lines.find((one) => one.includes('entries rejected')) ?? assert.fail('not logged')
    assert.match(line, /API_TOKEN: (?!<redacted>)\w/)
    assert.ok(!lines.join('').includes('s3cret-value'))
  })

  it('is stale after a failure of the whole source, until its next picture', () => {
    const { see, fail, status } = createTestState()
    see(picture(reading('a', 'weather')))

    assert.equal(fail(), 'stale')
    assert.equal(fail(), 'stale')
    assert.deepEqual([status().consecutive_failures, status().last_error], [2, 'lost'])
    assert.equal(see({ type: 'alive' }), 'stale')
    assert.equal(see(picture(reading('a', 'weather'))), 'synced')
    assert.equal(status().consecutive_failures, 0)
  })

  it('has no answer after an error page or a broken document, nor where it ends with one', () => {
    const { see, ended, isAnswered } = createTestState()
    const garbage: Reading = { origin: 'a', error: new SourceError('unknown format', { class: 'config' }) }

    assert.equal(see(picture(garbage)), 'starting')
    ended({ disabled: false })
    assert.equal(isAnswered(), false)
    assert.equal(see(picture(garbage, reading('b'))), 'degraded')
    assert.equal(isAnswered(), true)
  })

  it('is disabled after an end without a picture', () => {
    const { ended, update, status } = createTestState()

    ended({ disabled: true })
    update()

    assert.equal(status().state, 'disabled')
  })

  it('counts restarts, and shows the time of the next attempt until it begins', () => {
    const { restartScheduled, restarted, status } = createTestState()

    restartScheduled(1000)
    assert.deepEqual([status().restarts, status().next_attempt], [1, '1970-01-01T00:00:01.000Z'])
    restarted()

    assert.equal(status().next_attempt, undefined)
  })
})
