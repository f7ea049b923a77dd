import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSelfPreservation } from '../../src/flow/self-preservation.ts'

const windowMs = 60_000

function preservationWith(changes: { enabled?: boolean; endShare?: number } = {}) {
  const rules = { enabled: changes.enabled ?? true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 }
  let time = 0
  const preservation = createSelfPreservation<number>({
    rules: () => rules,
    now: () => time,
    wall: () => 1_000_000 + time,
    ...(changes.endShare === undefined ? {} : { endShare: changes.endShare }),
  })
  /** Of `of` subjects the ones from `from` to `to` fail at once, beside those that failed before. */
  const fail = (from: number, to: number, of = 20) =>
    preservation.fail(
      Array.from({ length: to - from }, (_, index) => from + index),
      { healthy: of - to, windowMs },
    )
  return { ...preservation, rules, fail, pass: (ms: number) => void (time += ms) }
}

describe('self-preservation', () => {
  it('starts when more than the ratio of enough subjects fails within the window', () => {
    const table = [
      { failures: 10, of: 20, expected: false },
      { failures: 11, of: 20, expected: true },
      { failures: 9, of: 9, expected: false },
      { failures: 10, of: 10, expected: true },
    ]
    for (const { failures, of, expected } of table)
      assert.equal(preservationWith().fail(0, failures, of), expected, `${failures} of ${of}`)
    assert.equal(preservationWith({ enabled: false }).fail(0, 20), false)
  })

  it('adds up failures within the window, and drops older and recovered ones', () => {
    const trickle = preservationWith()
    for (let failed = 0; failed < 10; failed += 1) {
      assert.equal(trickle.fail(failed, failed + 1), false)
      trickle.pass(1000)
    }
    assert.equal(trickle.fail(10, 11), true)
    assert.equal(trickle.isOver(), false, 'it lasts although most of them failed before it started')

    const slow = preservationWith()
    slow.fail(0, 10)
    slow.pass(windowMs + 1)
    assert.equal(slow.fail(10, 11), false)

    const recovered = preservationWith()
    recovered.fail(0, 10)
    recovered.recover(0)
    assert.equal(recovered.fail(10, 11, 21), false, '10 of 20, as one of them recovered')
  })

  it('covers failing subjects while it is active, and reports itself', () => {
    const { fail, covers, status, recover, isActive, pass } = preservationWith()
    fail(0, 12)
    pass(5000)

    assert.deepEqual([covers(0), covers(12), isActive()], [true, false, true])
    assert.deepEqual(status(), { since: 1_000_000, until: 1_900_000, failing: 12, of: 20 })
    recover(0)
    assert.equal(covers(0), false)
    assert.equal(status()?.failing, 11)
  })

  it('is over when enough subjects have recovered, measured by the end share', () => {
    for (const [endShare, remaining] of [
      [1, 10],
      [0.5, 5],
    ] as const) {
      const { fail, recover, isOver } = preservationWith({ endShare })
      fail(0, 12)
      for (let subject = 0; subject < 11 - remaining; subject += 1) recover(subject)
      assert.equal(isOver(), false)
      recover(11 - remaining)
      assert.equal(isOver(), true)
    }
  })

  it('is over when enough healthy subjects have come, where the caller counts them', () => {
    const { fail, isOver } = preservationWith()
    fail(0, 12)

    assert.equal(isOver(11), false)
    assert.equal(isOver(12), true)
  })

  it('is over after its maximum time, even one that changed meanwhile, and when switched off', () => {
    const { fail, isOver, rules, pass, remainingMs } = preservationWith()
    fail(0, 12)
    pass(600_000)
    assert.equal(isOver(), false)
    assert.equal(remainingMs(), 300_000)
    rules.maxMs = 600_000
    assert.equal(isOver(), true)
    rules.maxMs = 900_000
    rules.enabled = false
    assert.equal(isOver(), true)
  })

  it('does not start again for subjects that were still failing when it ended', () => {
    const { fail, end, recover, isActive } = preservationWith()
    fail(0, 12)
    assert.equal(end().length, 12)
    assert.equal(isActive(), false)

    assert.equal(fail(0, 12), false)
    for (let subject = 0; subject < 12; subject += 1) recover(subject)
    assert.equal(fail(0, 12), true)
  })
})
