import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBackoff } from '../../src/flow/backoff.ts'
import { atInterval, pollLoop, type Looked, type Schedule, type PollTrigger } from '../../src/flow/poll-loop.ts'

/**
 * A run on a clock that jumps to whatever is waited for, so that hours pass in no time. `events` happen at their
 * moment: a wish for a look, a jump of the clock.
 */
function timeline({ events = {} }: { events?: Record<number, 'ask' | 'stop'> } = {}) {
  let time = 0
  let raised = false
  const stop = new AbortController()
  const coming = Object.entries(events)
    .map(([at, what]) => ({ at: Number(at), what }))
    .toSorted((one, other) => one.at - other.at)

  function pass(ms: number): void {
    const next = coming[0]
    const until = time + ms
    if (!next || next.at > until) return void (time = until)
    coming.shift()
    time = Math.max(time, next.at)
    if (next.what === 'ask') raised = true
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

/** The first `count` looks on a timeline: when each began, and why. */
async function looks(
  line: ReturnType<typeof timeline>,
  count: number,
  {
    pace = always(60_000, line),
    answer = () => ({}),
    ...rest
  }: {
    pace?: Schedule
    answer?: (index: number) => Omit<Looked<string>, 'value'>
    backoff?: ReturnType<typeof createBackoff>
  } = {},
) {
  const began: { at: number; why: PollTrigger }[] = []
  const look = (why: PollTrigger) => {
    began.push({ at: line.now(), why })
    return Promise.resolve({ value: 'seen', ...answer(began.length - 1) })
  }
  for await (const _ of pollLoop({ run: line.run, pace, look, now: line.now, ...rest }))
    if (began.length === count) break
  return began
}

const seconds = (began: readonly { at: number }[]) => began.map(({ at }) => at / 1000)

describe('every', () => {
  it('looks at once, and then whenever the pace says so', async () => {
    assert.deepEqual(seconds(await looks(timeline(), 4)), [0, 60, 120, 180])
  })

  it('looks at once when asked, and counts anew from there', async () => {
    const began = await looks(timeline({ events: { 70_000: 'ask' } }), 4)

    assert.deepEqual(seconds(began), [0, 60, 70, 130])
    assert.deepEqual(
      began.map(({ why }) => why),
      ['first', 'regular', 'asked', 'regular'],
    )
  })

  it('tries again by backoff after a failure, but never later than the pace', async () => {
    const line = timeline()
    const backoff = createBackoff({ random: () => 1 })
    const answer = (index: number) => ({ failed: index < 9 })

    const began = await looks(line, 9, { answer, backoff })

    assert.deepEqual(seconds(began), [0, 1, 3, 7, 15, 31, 60, 120, 180])
  })

  it('forgets its failures once a look went well', async () => {
    const line = timeline()
    const backoff = createBackoff({ random: () => 1 })
    const answer = (index: number) => ({ failed: index !== 2 })

    assert.deepEqual(seconds(await looks(line, 5, { answer, backoff })), [0, 1, 3, 60, 61])
  })

  it('looks early when a look asks for it, without moving the regular one', async () => {
    const answer = (index: number) => (index === 0 ? { againMs: 5000 } : {})

    assert.deepEqual(seconds(await looks(timeline(), 4, { answer })), [0, 5, 60, 120])
  })

  it('makes up for what was missed during a long look once', async () => {
    const line = timeline()
    const answer = (index: number) => {
      if (index === 0) line.spend(600_000)
      return {}
    }

    assert.deepEqual(seconds(await looks(line, 3, { answer })), [0, 600, 660])
  })

  it('says that it is still there while it waits for long', async () => {
    const line = timeline()
    const said: { at: number; value: string }[] = []
    const look = () => Promise.resolve({ value: 'looked' })

    for await (const value of pollLoop({
      run: line.run,
      pace: always(20 * 3_600_000, line),
      look,
      now: line.now,
      idle: 'waiting',
    }))
      if (said.push({ at: line.now() / 3_600_000, value }) === 5) break

    assert.deepEqual(said, [
      { at: 0, value: 'looked' },
      { at: 6, value: 'waiting' },
      { at: 12, value: 'waiting' },
      { at: 18, value: 'waiting' },
      { at: 20, value: 'looked' },
    ])
  })

  it('never looks twice at a time, however often it is asked', async () => {
    let running = 0
    let most = 0
    const line = timeline()
    const look = async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return { value: 1 }
    }
    const ask = { ...line.run.wake, raised: () => true }
    let seen = 0
    for await (const _ of pollLoop({ run: { signal: line.run.signal, wake: ask }, pace: always(1, line), look }))
      if (++seen === 20) break

    assert.equal(most, 1)
  })

  it('ends when its run is over, be it while looking or while waiting', async () => {
    const waiting = timeline({ events: { 90_000: 'stop' } })
    assert.deepEqual(seconds(await looks(waiting, 100)), [0, 60])

    const looking = timeline()
    const answer = () => {
      looking.stop.abort()
      return {}
    }
    assert.deepEqual(seconds(await looks(looking, 100, { answer })), [0])
  })
})

describe('an interval', () => {
  it('is never longer than asked for, and shorter by a tenth at most once it runs', async () => {
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const line = timeline()
    const times = seconds(await looks(line, 200, { pace: atInterval(60_000, { random, now: line.now }) }))
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))

    for (const gap of gaps) assert.ok(gap <= 60 && gap >= 15, `paused for ${gap} s`)
    for (const gap of gaps.slice(1)) assert.ok(gap >= 54, `paused for ${gap} s`)
  })

  it('spreads twenty sources that start together over more than half of it', async () => {
    const seconds20: number[] = []
    for (let source = 0; source < 20; source++) {
      const line = timeline()
      const [, second] = await looks(line, 2, {
        pace: atInterval(60_000, { random: () => source / 20, now: line.now }),
      })
      seconds20.push((second?.at ?? 0) / 1000)
    }

    assert.ok(Math.max(...seconds20) - Math.min(...seconds20) >= 30)
    assert.equal(new Set(seconds20).size, 20)
  })

  it('leaves a pause even where a look takes longer than the interval', async () => {
    const line = timeline()
    const answer = () => {
      line.spend(5000)
      return {}
    }
    const times = seconds(await looks(line, 4, { answer, pace: atInterval(2000, { random: () => 1, now: line.now }) }))

    assert.deepEqual(times, [0, 5.5, 11, 16.5])
  })
})
