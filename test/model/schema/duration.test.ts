import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { duration, parseDuration } from '../../../src/model/schema/duration.ts'

describe('a duration', () => {
  for (const [text, seconds] of [
    [30, 30],
    [0, 0],
    ['30', 30],
    ['1.5', 1.5],
    [' 30s ', 30],
    ['5m', 300],
    ['1m30s', 90],
    ['500ms', 0.5],
    ['1.5h', 5400],
    ['2d', 172_800],
    [-1, undefined],
    [Number.NaN, undefined],
    ['', undefined],
    ['s', undefined],
    ['30 s', undefined],
    ['-5s', undefined],
    ['5w', undefined],
    [null, undefined],
  ] as const) {
    it(`${JSON.stringify(text)} is ${seconds === undefined ? 'invalid' : `${seconds} s`}`, () => {
      const parsed = parseDuration(text)

      if (seconds === undefined) assert.equal(parsed, undefined)
      else assert.ok(Math.abs((parsed ?? -1) - seconds) < 1e-9)
    })
  }

  for (const [value, message] of [
    ['soon', 'must be seconds, or text such as "30s" or "5m"'],
    ['0.5s', 'must be at least 1 seconds'],
    ['2h', 'must be at most 3600 seconds'],
  ] as const) {
    it(`is rejected by its schema: ${value} ${message}`, () => {
      const { error } = duration({ min: 1, max: 3600 }).safeParse(value)

      assert.equal(error?.issues[0]?.message, message)
    })
  }
})
