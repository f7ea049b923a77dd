import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { runToCompletion, forEachYielding, runCooperatively, sortYielding } from '../../src/flow/cooperative.ts'

function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Work of `count` steps of 1 ms; returns the turn of the event loop in which each was done. */
function* steps(count: number, turnOf: () => number): Generator<void, number[]> {
  const turns: number[] = []
  for (let step = 0; step < count; step += 1) {
    busy(1)
    turns.push(turnOf())
    yield
  }
  return turns
}

describe('cooperative work', () => {
  /** Counts the turns of the event loop while `act` runs. */
  async function counting<T>(act: (turnOf: () => number) => Promise<T>): Promise<T> {
    // Turns that earlier work has booked do not count.
    for (let booked = 0; booked < 2; booked += 1) await setImmediate()
    let turn = 0
    const state = { over: false }
    const counted = (async () => {
      for (; !state.over; turn += 1) await setImmediate()
    })()
    try {
      return await act(() => turn)
    } finally {
      state.over = true
      await counted
    }
  }

  it('yields to the event loop after a few milliseconds, however much work there is', async () => {
    const all = await counting((turnOf) =>
      Promise.all(Array.from({ length: 20 }, () => runCooperatively(steps(10, turnOf)))),
    )

    const perTurn = Map.groupBy(all.flat(), (turn) => turn)
    const max = Math.max(...[...perTurn.values()].map(({ length }) => length))
    assert.equal(all.flat().length, 200)
    assert.ok(max <= 8, `${max} ms in one turn`)
  })

  it('runs many tiny pieces of work in few turns', async () => {
    const turns = await counting(async (turnOf) => {
      const began = turnOf()
      await Promise.all(Array.from({ length: 1000 }, () => forEachYielding([1], () => {})))
      return turnOf() - began
    })

    assert.ok(turns < 100, `${turns} turns`)
  })

  it('starts uninterruptible work only in a turn with budget left', async () => {
    const turns = await counting(async (turnOf) => {
      const seen: number[] = []
      await Promise.all(Array.from({ length: 10 }, () => forEachYielding([4], (ms) => (busy(ms), seen.push(turnOf())))))
      return seen
    })

    const max = Math.max(...[...Map.groupBy(turns, (turn) => turn).values()].map(({ length }) => length))
    assert.ok(max <= 3, `${max} of 4 ms in one turn`)
  })

  it('sorts texts by code unit, duplicates included', () => {
    const texts = Array.from({ length: 5000 }, (_, at) => `${(at * 7919) % 1009}`)

    const sorted = runToCompletion(sortYielding(texts))

    assert.deepEqual(
      sorted,
      texts.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0)),
    )
  })

  it('rejects with the error of the work, without affecting other work', async () => {
    const failing = forEachYielding([1, 2], (item) => {
      busy(6)
      if (item === 2) throw new Error('broken')
    })
    const other = runCooperatively(steps(3, () => 0))

    await assert.rejects(failing, /broken/)
    assert.equal((await other).length, 3)
    assert.deepEqual(runToCompletion(steps(2, () => 7)), [7, 7])
  })
})
