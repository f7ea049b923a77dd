import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isReached, tableOf } from './report.ts'
import type { Measured } from './row.ts'

const small = (value: number) => value <= 20
const measured = (fields: Partial<Measured>): Measured => ({ value: 18, unit: 'kB', detail: {}, ...fields })

describe('a goal of the bench', () => {
  for (const { says, found, reaches, reached } of [
    { says: 'is reached by a value that is good', found: {}, reaches: small, reached: true },
    { says: 'is missed by one that is not', found: { value: 21, stallMs: 1 }, reaches: small, reached: false },
    {
      says: 'is missed for a long stall, however good the value',
      found: { stallMs: 45 },
      reaches: small,
      reached: false,
    },
    { says: 'is reached for want of a long stall, where it is about no value', found: { stallMs: 20 }, reached: true },
    {
      says: 'is reached by an interval that misses it by little',
      found: { interval: { low: 17, high: 20.02 } },
      reaches: small,
      reached: true,
    },
    {
      says: 'is undecided where the pairs lie on both sides',
      found: { interval: { low: 17, high: 21 } },
      reaches: small,
      reached: 'undecided' as const,
    },
    {
      says: 'is missed where the whole interval misses it',
      found: { value: 19, interval: { low: 20.5, high: 21 } },
      reaches: small,
      reached: false,
    },
    { says: 'is for people to judge where it is words', found: {}, reached: undefined },
  ])
    it(says, () => assert.equal(isReached(measured(found), reaches), reached))

  it('is shown as missed beside the stall', () => {
    const row = { name: 'a watcher', goal: '≤ 20 kB', reached: false, ...measured({ stallMs: 45.1 }) }

    assert.match(tableOf([row], { short: true }), /^\| a watcher \| ≤ 20 kB \| 18 kB, stall 45\.1 ms ✗ \|$/m)
  })
})
