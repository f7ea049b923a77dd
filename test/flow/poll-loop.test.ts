import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBackoff } from '../../src/flow/backoff.ts'
import {
  intervalSchedule,
  pollLoop,
  type PollResult,
  type Schedule,
  type PollTrigger,
} from '../../src/flow/poll-loop.ts'

/** A run on a fake clock that jumps to the end of each wait; `events` happen at their time. */
function timeline({ events = {} }: { events?: Record<number, 'wake' | 'stop'> } = {}) {
  let time = 0
  let raised = false
  const stop = new AbortController()
  const upcoming = Object.entries(events)
    .map(([at, what]) => ({ at: Number(at), what }))
    .toSorted((one, other) => one.at - other.at)

  function pass(ms: number): void {
    const next = upcoming[0]
    const until = time + ms
    if (!next || next.at > until) return void (time = until)
    upcoming.shift()
    time = Math.max(time, next.at)
    if (next.what === 'wake') raised = true
    else stop.abort()
  }

  const wake = {
    raised: () => raised,
    take: () => void (raised = false),
    wait: (ms = Infinity) => {
      if (!raised && !stop.signal.aborted) pass(ms)
      return Promise.resolve()
    },
  }
  return { run: { signal: stop.signal, wake }, now: () => time, spend: (ms: number) => void (time += ms), stop }
}

const always = (ms: number, { now }: { now: () => number }): Schedule => ({
  begin: () => {
    const due = now() + ms
    return () => due - now()
  },
})

/** The first `count` polls on a timeline: when each began, and why. */
async function polls(
  line: ReturnType<typeof timeline>,
  count: number,
  {
    schedule = always(60_000, line),
    outcome = () => ({}),
    ...rest
  }: {
    schedule?: Schedule
    outcome?: (index: number) => Omit<PollResult<string>, 'value'>
    backoff?: ReturnType<typeof createBackoff>
  } = {},
) {
  const began: { at: number; why: PollTrigger }[] = []
  const poll = (why: PollTrigger) => {
    began.push({ at: line.now(), why })
    return Promise.resolve({ value: 'seen', ...outcome(began.length - 1) })
  }
  for await (const _ of pollLoop({ run: line.run, schedule, poll, now: line.now, ...rest }))
    if (began.length === count) break
  return began
}

const seconds = (began: readonly { at: number }[]) => began.map(({ at }) => at / 1000)

describe('poll loop', () => {
  it('polls at once, then by its schedule', async () => {
    assert.deepEqual(seconds(await polls(timeline(), 4)), [0, 60, 120, 180])
  })

  it('polls at once on a wake-up, and restarts the interval', async () => {
    const began = await polls(timeline({ events: { 70_000: 'wake' } }), 4)

    assert.deepEqual(seconds(began), [0, 60, 70, 130])
    assert.deepEqual(
      began.map(({ why }) => why),
      ['first', 'regular', 'requested', 'regular'],
    )
  })

  it('retries a failed poll with backoff, never later than the schedule', async () => {
    const line = timeline()
    const backoff = createBackoff({ random: () => 1 })
    const outcome = (index: number) => ({ failed: index < 9 })

    const began = await polls(line, 9, { outcome, backoff })

    assert.deepEqual(seconds(began), [0, 1, 3, 7, 15, 31, 60, 120, 180])
  })

  it('resets the backoff after a success', async () => {
    const line = timeline()
    const backoff = createBackoff({ random: () => 1 })
    const outcome = (index: number) => ({ failed: index !== 2 })

    assert.deepEqual(seconds(await polls(line, 5, { outcome, backoff })), [0, 1, 3, 60, 61])
  })

  it('polls early when the last poll asked for it, without moving the regular one', async () => {
    const outcome = (index: number) => (index === 0 ? { againMs: 5000 } : {})

    assert.deepEqual(seconds(await polls(timeline(), 4, { outcome })), [0, 5, 60, 120])
  })

  it('makes up once for polls missed during a long one', async () => {
    const line = timeline()
    const outcome = (index: number) => {
      if (index === 0) line.spend(600_000)
      return {}
    }

    assert.deepEqual(seconds(await polls(line, 3, { outcome })), [0, 600, 660])
  })

  it('yields a sign of life every six hours of waiting', async () => {
    const line = timeline()
    const yielded: { at: number; value: string }[] = []
    const poll = () => Promise.resolve({ value: 'polled' })

    for await (const value of pollLoop({
      run: line.run,
      schedule: always(20 * 3_600_000, line),
      poll,
      now: line.now,
      idle: 'waiting',
    }))
      if (yielded.push({ at: line.now() / 3_600_000, value }) === 5) break

    assert.deepEqual(yielded, [
      { at: 0, value: 'polled' },
      { at: 6, value: 'waiting' },
      { at: 12, value: 'waiting' },
      { at: 18, value: 'waiting' },
      { at: 20, value: 'polled' },
    ])
  })

  it('never runs two polls at a time, however often it is woken', async () => {
    let running = 0
    let maxRunning = 0
    const line = timeline()
    const poll = async () => {
      maxRunning = Math.max(maxRunning, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return { value: 1 }
    }
    const wake = { ...line.run.wake, raised: () => true }
    let seen = 0
    for await (const _ of pollLoop({ run: { signal: line.run.signal, wake }, schedule: always(1, line), poll }))
      if (++seen === 20) break

    assert.equal(maxRunning, 1)
  })

  it('ends when its run is aborted, during a poll or a wait', async () => {
    const waiting = timeline({ events: { 90_000: 'stop' } })
    assert.deepEqual(seconds(await polls(waiting, 100)), [0, 60])

    const polling = timeline()
    const outcome = () => {
      polling.stop.abort()
      return {}
    }
    assert.deepEqual(seconds(await polls(polling, 100, { outcome })), [0])
  })
})

describe('interval schedule', () => {
  it('is never late, and after the first poll at most a tenth early', async () => {
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const line = timeline()
    const times = seconds(await polls(line, 200, { schedule: intervalSchedule(60_000, { random, now: line.now }) }))
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))

    for (const gap of gaps) assert.ok(gap <= 60 && gap >= 15, `paused for ${gap} s`)
    for (const gap of gaps.slice(1)) assert.ok(gap >= 54, `paused for ${gap} s`)
  })

  it('spreads twenty sources that start together over more than half the interval', async () => {
    const seconds20: number[] = []
    for (let source = 0; source < 20; source++) {
      const line = timeline()
      const [, second] = await polls(line, 2, {
        schedule: intervalSchedule(60_000, { random: () => source / 20, now: line.now }),
      })
      seconds20.push((second?.at ?? 0) / 1000)
    }

    assert.ok(Math.max(...seconds20) - Math.min(...seconds20) >= 30)
    assert.equal(new Set(seconds20).size, 20)
  })

  it('pauses even when a poll takes longer than the interval', async () => {
    const line = timeline()
    const outcome = () => {
      line.spend(5000)
      return {}
    }
    const times = seconds(
      await polls(line, 4, { outcome, schedule: intervalSchedule(2000, { random: () => 1, now: line.now }) }),
    )

    assert.deepEqual(times, [0, 5.5, 11, 16.5])
  })
})
