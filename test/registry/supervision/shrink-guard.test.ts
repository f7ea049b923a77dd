import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createShrinkGuard, type HeldShrink, detectShrink } from '../../../src/registry/supervision/shrink-guard.ts'

const ids = (count: number, from = 0) =>
  new Set(Array.from({ length: count }, (_, index) => `default/s${from + index}`))
const question = (before: number, after: number, held?: HeldShrink, readNumber?: number) =>
  detectShrink({ before: ids(before), after: ids(after), held, readNumber, now: 0 })

describe('a shrink', () => {
  for (const [before, after, isHeld] of [
    [10, 4, true],
    [10, 5, false],
    [4, 0, false],
    [5, 0, true],
    [100, 49, true],
    [100, 50, false],
    [10, 20, false],
  ] as const) {
    it(`from ${before} to ${after} servers is ${isHeld ? 'held' : 'applied'}`, () => {
      assert.equal(question(before, after) !== undefined, isHeld)
    })
  }

  it('counts the servers that are gone, whatever comes in their place', () => {
    const held = detectShrink({ before: ids(10), after: ids(10, 8), held: undefined, readNumber: 1, now: 0 })

    assert.deepEqual(held, { shown: { removes: 8, since: '1970-01-01T00:00:00.000Z' }, readNumber: 1 })
  })

  it('is confirmed by a second read only', () => {
    const held = question(10, 0, undefined, 1)

    assert.deepEqual(question(10, 0, held, 1), held)
    assert.equal(question(10, 0, held, 2), undefined)
    assert.equal(question(10, 0, held), undefined)
  })
})

describe('the shrink guard', () => {
  it('logs a held shrink once, and requests another read every 10 s while it is held', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    let held: HeldShrink['shown'] | undefined = { removes: 6, since: '1970-01-01T00:00:00.000Z' }
    let [requests, warnings] = [0, 0]
    const guard = createShrinkGuard({
      held: () => held,
      requestRead: () => (requests += 1),
      log: { warn: () => (warnings += 1) },
    })

    guard.sighted(true)
    guard.sighted(true)
    mock.timers.tick(10_000)
    mock.timers.tick(10_000)
    assert.deepEqual([requests, warnings], [2, 1])

    held = undefined
    mock.timers.tick(10_000)
    assert.equal(requests, 2)
  })
})
