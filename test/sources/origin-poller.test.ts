import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PollTrigger } from '../../src/flow/poll-loop.ts'
import { SourceError } from '../../src/model/source.ts'
import { createOriginPoller, type ReadResult } from '../../src/sources/origin-poller.ts'
import { entry } from '../builders.ts'
import { errorIn, namesIn } from './poll-source.ts'

const found = (...names: readonly string[]): ReadResult => ({ entries: names.map((name) => entry({ name })) })
const signal = new AbortController().signal

/** A poller on a clock of its own. `answers` holds what each origin returns; `readOrigins` names those that were read. */
function createTestPoller(
  answers: Record<string, () => ReadResult | Promise<ReadResult>>,
  { timeoutMs = 1000, maxConcurrent = 8 } = {},
) {
  let time = 0
  const readOrigins: string[] = []
  const read = async (name: string) => {
    readOrigins.push(name)
    return await (answers[name] as () => ReadResult | Promise<ReadResult>)()
  }
  const { poll } = createOriginPoller({ names: Object.keys(answers), read, timeoutMs, maxConcurrent, now: () => time })
  async function at(moment: number, why: PollTrigger) {
    time = moment
    readOrigins.length = 0
    const { value, ...rest } = await poll(why, signal)
    assert.ok(value.type === 'picture')
    return { readings: value.readings, readOrigins: [...readOrigins], ...rest }
  }
  return { at }
}

describe('the origin poller', () => {
  it('shows all origins in the first picture, in the order of the config', async () => {
    const { at } = createTestPoller({ b: () => found('x'), a: () => found('y') })

    const { readings } = await at(0, 'first')

    assert.deepEqual(
      readings.map((one) => [one.origin, one.rank, namesIn(one)]),
      [
        ['b', 0, ['x']],
        ['a', 1, ['y']],
      ],
    )
  })

  it('keeps the reading object of an origin whose entries are equal', async () => {
    const { at } = createTestPoller({ same: () => found('x', 'y'), turned: () => found('x', 'y'), nothing: () => ({}) })
    const first = await at(0, 'first')
    const { readings } = await at(60, 'regular')

    assert.equal(readings[0], first.readings[0])
    assert.match(errorIn(first.readings[2]).message, /before anything had been read/)
  })

  it('counts a changed order as a change only among entries of one name', async () => {
    let order = [
      entry({ name: 'x', url: 'http://1.example' }),
      entry({ name: 'x', url: 'http://2.example' }),
      entry({ name: 'y' }),
    ]
    const { at } = createTestPoller({ a: () => ({ entries: order }) })
    const first = (await at(0, 'first')).readings[0]

    order = [order[2], order[0], order[1]].map((one) => structuredClone(one)) as typeof order
    assert.equal((await at(1, 'regular')).readings[0], first)

    order = order.toReversed()
    assert.notEqual((await at(2, 'regular')).readings[0], first)
  })

  it('reads only failed origins early', async () => {
    let bad = true
    const { at } = createTestPoller({
      good: () => found('x'),
      bad: () => {
        if (bad) throw new SourceError('broken')
        return found('y')
      },
    })
    assert.equal((await at(0, 'first')).failed, true)

    bad = false
    const { readOrigins, failed, readings } = await at(1, 'early')

    assert.deepEqual([readOrigins, failed, namesIn(readings[1])], [['bad'], false, ['y']])
  })

  it('reads a changed origin a second time early, so that a second read can confirm a shrink', async () => {
    let names = ['x', 'y']
    const { at } = createTestPoller({
      shrinking: () => found(...names),
      bad: () => {
        throw new SourceError('broken')
      },
    })
    await at(0, 'first')
    names = []

    assert.deepEqual((await at(60_000, 'regular')).readOrigins, ['shrinking', 'bad'])
    assert.deepEqual((await at(61_000, 'early')).readOrigins, ['shrinking', 'bad'])
    assert.deepEqual((await at(62_000, 'early')).readOrigins, ['bad'])
  })

  it('reads an origin early once its result expires', async () => {
    const { at } = createTestPoller({ short: () => ({ ...found('x'), expiresMs: 5000 }), long: () => found('y') })

    assert.equal((await at(0, 'first')).againMs, 5000)
    assert.deepEqual((await at(5000, 'early')).readOrigins, ['short'])
  })

  it('skips an origin while it is fresh, and reads it right after', async () => {
    const { at } = createTestPoller({ fresh: () => ({ ...found('x'), notBeforeMs: 10_000 }) })
    assert.equal((await at(0, 'first')).againMs, Infinity)

    const skipped = await at(9000, 'regular')
    assert.deepEqual([skipped.readOrigins, skipped.againMs], [[], 1000])
    assert.deepEqual((await at(10_000, 'early')).readOrigins, ['fresh'])
    assert.deepEqual((await at(11_000, 'requested')).readOrigins, ['fresh'])
  })

  it('waits for the Retry-After of an origin, an hour at most', async () => {
    const { at } = createTestPoller({
      busy: () => {
        throw new SourceError('busy', { retry_after: 1e9 })
      },
    })

    const first = await at(0, 'first')
    assert.deepEqual([first.failed, first.againMs], [false, 3_600_000])
    assert.deepEqual((await at(1000, 'requested')).readOrigins, [])
    assert.deepEqual((await at(3_600_000, 'early')).readOrigins, ['busy'])
  })

  it('gives up an origin that never answers, without delaying the others', async () => {
    const { at } = createTestPoller({ hung: () => new Promise(() => {}), good: () => found('x') }, { timeoutMs: 30 })

    const { readings } = await at(0, 'first')

    assert.match(errorIn(readings[0]).message, /within 0\.03 s/)
    assert.deepEqual(namesIn(readings[1]), ['x'])
  })

  it('hides the message of an unexpected error', async () => {
    const { at } = createTestPoller({
      odd: () => {
        throw new Error('secret tiger')
      },
    })

    assert.equal(errorIn((await at(0, 'first')).readings[0]).message, 'read failed unexpectedly')
  })

  it('limits the number of concurrent reads', async () => {
    let now = 0
    let max = 0
    const slow = async () => {
      max = Math.max(max, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now -= 1
      return found('x')
    }
    const { at } = createTestPoller(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`o${index}`, slow])), {
      maxConcurrent: 4,
    })

    const { readings } = await at(0, 'first')

    assert.deepEqual([max, readings.length], [4, 50])
  })
})
