import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PollTrigger } from '../../src/flow/poll-loop.ts'
import { SourceError } from '../../src/model/source.ts'
import { createOriginPoller, type ReadResult } from '../../src/sources/origin-poller.ts'
import { entry } from '../made.ts'
import { errorIn, namesIn } from './poll-source.ts'

const found = (...names: readonly string[]): ReadResult => ({ entries: names.map((name) => entry({ name })) })
const signal = new AbortController().signal

/** Origins on a clock of their own; `answers` decides what each says, `asked` tells who was read. */
function looking(
  answers: Record<string, () => ReadResult | Promise<ReadResult>>,
  { timeoutMs = 1000, maxConcurrent = 8 } = {},
) {
  let time = 0
  const asked: string[] = []
  const read = async (name: string) => {
    asked.push(name)
    return await (answers[name] as () => ReadResult | Promise<ReadResult>)()
  }
  const { poll } = createOriginPoller({ names: Object.keys(answers), read, timeoutMs, maxConcurrent, now: () => time })
  async function at(moment: number, why: PollTrigger) {
    time = moment
    asked.length = 0
    const { value, ...rest } = await poll(why, signal)
    assert.ok(value.type === 'picture')
    return { readings: value.readings, asked: [...asked], ...rest }
  }
  return { at }
}

describe('origins', () => {
  it('are all in the first picture, in the order of the config', async () => {
    const { at } = looking({ b: () => found('x'), a: () => found('y') })

    const { readings } = await at(0, 'first')

    assert.deepEqual(
      readings.map((one) => [one.origin, one.rank, namesIn(one)]),
      [
        ['b', 0, ['x']],
        ['a', 1, ['y']],
      ],
    )
  })

  it('that say the same are the same', async () => {
    const { at } = looking({ same: () => found('x', 'y'), turned: () => found('x', 'y'), nothing: () => ({}) })
    const first = await at(0, 'first')
    const { readings } = await at(60, 'regular')

    assert.equal(readings[0], first.readings[0])
    assert.match(errorIn(first.readings[2]).message, /before anything had been read/)
  })

  it('are news when two entries of one name change places, and only then', async () => {
    let order = [
      entry({ name: 'x', url: 'http://1.example' }),
      entry({ name: 'x', url: 'http://2.example' }),
      entry({ name: 'y' }),
    ]
    const { at } = looking({ a: () => ({ entries: order }) })
    const first = (await at(0, 'first')).readings[0]

    order = [order[2], order[0], order[1]].map((one) => structuredClone(one)) as typeof order
    assert.equal((await at(1, 'regular')).readings[0], first)

    order = order.toReversed()
    assert.notEqual((await at(2, 'regular')).readings[0], first)
  })

  it('that failed are read early, the others are not', async () => {
    let bad = true
    const { at } = looking({
      good: () => found('x'),
      bad: () => {
        if (bad) throw new SourceError('broken')
        return found('y')
      },
    })
    assert.equal((await at(0, 'first')).failed, true)

    bad = false
    const { asked, failed, readings } = await at(1, 'early')

    assert.deepEqual([asked, failed, namesIn(readings[1])], [['bad'], false, ['y']])
  })

  it('that brought news are read once more early, so that a second look at a shrink is one', async () => {
    let names = ['x', 'y']
    const { at } = looking({
      shrinking: () => found(...names),
      bad: () => {
        throw new SourceError('broken')
      },
    })
    await at(0, 'first')
    names = []

    assert.deepEqual((await at(60_000, 'regular')).asked, ['shrinking', 'bad'])
    assert.deepEqual((await at(61_000, 'early')).asked, ['shrinking', 'bad'])
    assert.deepEqual((await at(62_000, 'early')).asked, ['bad'])
  })

  it('that expire are read early, when they do', async () => {
    const { at } = looking({ short: () => ({ ...found('x'), expiresMs: 5000 }), long: () => found('y') })

    assert.equal((await at(0, 'first')).againMs, 5000)
    assert.deepEqual((await at(5000, 'early')).asked, ['short'])
  })

  it('that are fresh are left alone for that long, and then made up for', async () => {
    const { at } = looking({ fresh: () => ({ ...found('x'), notBeforeMs: 10_000 }) })
    assert.equal((await at(0, 'first')).againMs, Infinity)

    const skipped = await at(9000, 'regular')
    assert.deepEqual([skipped.asked, skipped.againMs], [[], 1000])
    assert.deepEqual((await at(10_000, 'early')).asked, ['fresh'])
    assert.deepEqual((await at(11_000, 'requested')).asked, ['fresh'])
  })

  it('that ask for patience get it, an hour at most', async () => {
    const { at } = looking({
      busy: () => {
        throw new SourceError('busy', { retry_after: 1e9 })
      },
    })

    const first = await at(0, 'first')
    assert.deepEqual([first.failed, first.againMs], [false, 3_600_000])
    assert.deepEqual((await at(1000, 'requested')).asked, [])
    assert.deepEqual((await at(3_600_000, 'early')).asked, ['busy'])
  })

  it('that never answer are given up, and do not hold up the others', async () => {
    const { at } = looking({ hung: () => new Promise(() => {}), good: () => found('x') }, { timeoutMs: 30 })

    const { readings } = await at(0, 'first')

    assert.match(errorIn(readings[0]).message, /within 0\.03 s/)
    assert.deepEqual(namesIn(readings[1]), ['x'])
  })

  it('tell nothing of an error that nobody foresaw', async () => {
    const { at } = looking({
      odd: () => {
        throw new Error('secret tiger')
      },
    })

    assert.equal(errorIn((await at(0, 'first')).readings[0]).message, 'read failed unexpectedly')
  })

  it('are read a few at a time', async () => {
    let now = 0
    let most = 0
    const slow = async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now -= 1
      return found('x')
    }
    const { at } = looking(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`o${index}`, slow])), {
      maxConcurrent: 4,
    })

    const { readings } = await at(0, 'first')

    assert.deepEqual([most, readings.length], [4, 50])
  })
})
