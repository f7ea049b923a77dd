import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { validate } from 'node-cron'
import { pollLoop } from '../../src/flow/poll-loop.ts'
import { atSchedule, isTimezone, longestGap, scheduleProblem } from '../../src/flow/schedule.ts'
import { createWakeSignal } from '../../src/flow/wake-signal.ts'

const good = [
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
const bad = [
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

describe('a schedule', () => {
  for (const text of good) {
    it(`may be "${text}", for node-cron too`, () => {
      assert.equal(scheduleProblem(text), undefined)
      assert.ok(validate(text))
    })
  }
  for (const text of bad) {
    it(`may not be "${text}", and it says why`, () => {
      assert.match(scheduleProblem(text) ?? '', /must|is no/)
    })
  }

  it('is turned away wherever node-cron would turn it away', () => {
    for (const text of bad) if (!validate(text)) assert.notEqual(scheduleProblem(text), undefined, text)
  })

  it('may be in the time zone of any place there is', () => {
    assert.ok(isTimezone('Europe/Berlin'))
    assert.ok(!isTimezone('Europe/Atlantis'))
  })

  for (const [text, most] of [
    ['* * * * *', 60],
    ['*/5 * * * *', 3600],
    ['0 3 * * *', 25 * 3600],
    ['@hourly', 3600],
    ['0 0 1 * *', 8 * 367 * 86_400],
  ] as const) {
    it(`leaves at most ${most} s between two ticks of "${text}"`, () => {
      assert.equal(longestGap(text), most)
    })
  }
})

/** The ticks of a schedule over a stretch of time: what is left each time is waited for, as the wall clock runs. */
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
  const pace = await atSchedule(expression, { timezone, random })
  const seen: string[] = []
  let now = Date.parse(from)
  test.mock.timers.setTime(now)
  while (seen.length < count) {
    const left = pace.begin()
    for (let wait = left(); wait > 0; wait = left()) {
      now += Math.min(wait, 30_000)
      test.mock.timers.setTime(now)
    }
    seen.push(new Date(now).toISOString())
  }
  return seen
}

describe('a schedule at work', () => {
  beforeEach((test) => (test as TestContext).mock.timers.enable({ apis: ['Date'], now: 0 }))

  it('ticks when the expression says so, to the second', async (test) => {
    assert.deepEqual(await ticks(test, '30 */5 * * * *', { from: '2026-03-01T10:02:00Z', count: 3 }), [
      '2026-03-01T10:05:30.000Z',
      '2026-03-01T10:10:30.000Z',
      '2026-03-01T10:15:30.000Z',
    ])
  })

  it('ticks at the hour of its time zone, before and after the clocks change', async (test) => {
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

  it('ticks once in an hour that comes twice', async (test) => {
    const from = '2026-10-24T22:00:00Z'
    const [first, second] = await ticks(test, '30 2 * * *', { timezone: 'Europe/Berlin', from, count: 2 })

    assert.deepEqual([first?.slice(0, 10), second?.slice(0, 10)], ['2026-10-25', '2026-10-26'])
  })

  it('ticks a little later by a phase of its own, so that not everybody looks at second 0', async (test) => {
    const options = { from: '2026-03-01T10:02:00Z', count: 2, random: () => 0.5 }

    assert.deepEqual(await ticks(test, '*/5 * * * *', options), [
      '2026-03-01T10:05:02.500Z',
      '2026-03-01T10:10:02.500Z',
    ])
  })

  it('is due once after the clock or the machine jumped over many ticks', async (test) => {
    const { timers } = test.mock
    timers.setTime(Date.parse('2026-03-01T10:00:30Z'))
    const pace = await atSchedule('* * * * *', { timezone: 'UTC', random: () => 0 })
    const left = pace.begin()

    timers.setTime(Date.parse('2026-03-01T11:00:30Z'))
    assert.ok(left() <= 0)
    assert.equal(pace.begin()(), 30_000)
  })

  it('does not wait for an hour because the clock was set back by one', async (test) => {
    const { timers } = test.mock
    timers.setTime(Date.parse('2026-03-01T10:00:30Z'))
    const pace = await atSchedule('* * * * *', { timezone: 'UTC', random: () => 0 })
    const left = pace.begin()

    timers.setTime(Date.parse('2026-03-01T09:00:30Z'))

    assert.equal(left(), 30_000)
  })
})

it('a schedule drives real looks, one at a time, second by second', async () => {
  const stop = new AbortController()
  const run = { signal: stop.signal, wake: createWakeSignal({ signal: stop.signal }) }
  const at: number[] = []
  const look = () => Promise.resolve({ value: at.push(Date.now()) })

  for await (const count of pollLoop({ run, pace: await atSchedule('* * * * * *', { random: () => 0 }), look }))
    if (count === 3) break
  stop.abort()

  const [, second = 0, third = 0] = at
  assert.ok(second % 1000 < 500 && third % 1000 < 500, `looked at ${at.join(', ')}`)
  assert.equal(Math.floor(third / 1000) - Math.floor(second / 1000), 1)
})
