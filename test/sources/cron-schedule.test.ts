import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { validate as isValidForNodeCron } from 'node-cron'
import { pollLoop } from '../../src/flow/poll-loop.ts'
import { cronSchedule, isTimezone, maxGapSeconds, cronProblem } from '../../src/sources/cron-schedule.ts'

const valid = [
  '* * * * *',
  '*/5 * * * *',
  '30 */5 * * * *',
  '0 0 1 1 *',
  '0 0 29 2 *',
  '0 0 31 2,3 *',
  '0 0 31 feb-mar *',
  '0 0 30-31 4 *',
  '0 0 L 2 *',
  '0 0 31 */2 *',
  '0 0 */31 2 *',
  '0 22-2 * * *',
  '0,15,30-40/5 * * * *',
  '0 9 * * mon-fri',
  '0 9 * jan,Jul sun',
  '0 0 L * *',
  '0 0 L-3 * ?',
  '0 0 15W * *',
  '0 0 ? * 5L',
  '0 0 * * 1#2',
  '0 0 * * 7',
  '@hourly',
  '@Daily',
]
const invalid = [
  '',
  'soon',
  '* * * *',
  '* * * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 13 *',
  '* * * * 8',
  '*/0 * * * *',
  '5/10 * * * *',
  '1,,2 * * * *',
  '1- * * * *',
  '* * * foo *',
  '0 0 31 2 *',
  '0 0 30,31 feb *',
  '0 0 31 4,jun-jun,9 *',
  '* * * * 1#6',
  '@fortnightly',
]

describe('cron expression', () => {
  for (const text of valid) {
    it(`"${text}" is valid, for node-cron too`, () => {
      assert.equal(cronProblem(text), undefined)
      assert.ok(isValidForNodeCron(text))
    })
  }
  for (const text of invalid) {
    it(`"${text}" is rejected with the reason`, () => {
      assert.match(cronProblem(text) ?? '', /must have|must be|is not a valid|never occurs/)
    })
  }

  it('is rejected wherever node-cron rejects it', () => {
    for (const text of invalid) if (!isValidForNodeCron(text)) assert.notEqual(cronProblem(text), undefined, text)
  })

  it('accepts every IANA time zone and no other', () => {
    assert.ok(isTimezone('Europe/Berlin'))
    assert.ok(!isTimezone('Europe/Atlantis'))
  })

  for (const [text, max] of [
    ['* * * * *', 60],
    ['*/5 * * * *', 3600],
    ['0 3 * * *', 25 * 3600],
    ['@hourly', 3600],
    ['0 0 1 * *', 8 * 367 * 86_400],
  ] as const) {
    it(`"${text}" has at most ${max} s between two ticks`, () => {
      assert.equal(maxGapSeconds(text), max)
    })
  }
})

/** The next `count` ticks after `from`, on a mocked wall clock. */
async function ticks(
  test: TestContext,
  expression: string,
  {
    from,
    count,
    timezone = 'UTC',
    random = () => 0,
  }: {
    from: string
    count: number
    timezone?: string
    random?: () => number
  },
): Promise<string[]> {
  const schedule = await cronSchedule(expression, { timezone, random })
  const seen: string[] = []
  let now = Date.parse(from)
  test.mock.timers.setTime(now)
  while (seen.length < count) {
    const left = schedule.begin()
    for (let wait = left(); wait > 0; wait = left()) {
      now += Math.min(wait, 30_000)
      test.mock.timers.setTime(now)
    }
    seen.push(new Date(now).toISOString())
  }
  return seen
}

describe('cron schedule', () => {
  beforeEach((test) => (test as TestContext).mock.timers.enable({ apis: ['Date'], now: 0 }))

  it('ticks by the expression, to the second', async (test) => {
    assert.deepEqual(await ticks(test, '30 */5 * * * *', { from: '2026-03-01T10:02:00Z', count: 3 }), [
      '2026-03-01T10:05:30.000Z',
      '2026-03-01T10:10:30.000Z',
      '2026-03-01T10:15:30.000Z',
    ])
  })

  it('ticks at the hour of its time zone, before and after a clock change', async (test) => {
    const berlin = { timezone: 'Europe/Berlin', count: 2 }

    assert.deepEqual(await ticks(test, '0 9 * * *', { ...berlin, from: '2026-03-28T00:00:00Z' }), [
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
    ])
    assert.deepEqual(await ticks(test, '0 9 * * *', { ...berlin, from: '2026-10-24T00:00:00Z' }), [
      '2026-10-24T07:00:00.000Z',
      '2026-10-25T08:00:00.000Z',
    ])
  })

  it('ticks once in an hour that occurs twice', async (test) => {
    const from = '2026-10-24T22:00:00Z'
    const [first, second] = await ticks(test, '30 2 * * *', { timezone: 'Europe/Berlin', from, count: 2 })

    assert.deepEqual([first?.slice(0, 10), second?.slice(0, 10)], ['2026-10-25', '2026-10-26'])
  })

  it('delays its ticks by a random phase', async (test) => {
    const options = { from: '2026-03-01T10:02:00Z', count: 2, random: () => 0.5 }

    assert.deepEqual(await ticks(test, '*/5 * * * *', options), [
      '2026-03-01T10:05:02.500Z',
      '2026-03-01T10:10:02.500Z',
    ])
  })

  it('is due once after a clock step over many ticks', async (test) => {
    const { timers } = test.mock
    timers.setTime(Date.parse('2026-03-01T10:00:30Z'))
    const schedule = await cronSchedule('* * * * *', { timezone: 'UTC', random: () => 0 })
    const left = schedule.begin()

    timers.setTime(Date.parse('2026-03-01T11:00:30Z'))
    assert.ok(left() <= 0)
    assert.equal(schedule.begin()(), 30_000)
  })

  it('does not wait longer after the clock is set back by an hour', async (test) => {
    const { timers } = test.mock
    timers.setTime(Date.parse('2026-03-01T10:00:30Z'))
    const schedule = await cronSchedule('* * * * *', { timezone: 'UTC', random: () => 0 })
    const left = schedule.begin()

    timers.setTime(Date.parse('2026-03-01T09:00:30Z'))

    assert.equal(left(), 30_000)
  })

  it('drives a poll loop, one poll per tick', async ({ mock }) => {
    mock.timers.setTime(Date.parse('2026-03-01T10:00:00.300Z'))
    const wake = {
      raised: () => false,
      take: () => {},
      wait: (ms = 0) => Promise.resolve(mock.timers.setTime(Date.now() + ms)),
    }
    const at: string[] = []
    const poll = () => Promise.resolve({ value: at.push(new Date().toISOString()) })
    const run = { signal: new AbortController().signal, wake }
    const schedule = await cronSchedule('* * * * * *', { random: () => 0 })

    for await (const count of pollLoop({ run, schedule, poll, now: Date.now })) if (count === 4) break

    assert.deepEqual(at, [
      '2026-03-01T10:00:00.300Z',
      '2026-03-01T10:00:01.000Z',
      '2026-03-01T10:00:02.000Z',
      '2026-03-01T10:00:03.000Z',
    ])
  })
})
