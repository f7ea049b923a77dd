import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { runToCompletion, forEachYielding, runCooperatively, sorting } from '../../src/flow/cooperative.ts'

function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Work of so many steps of a millisecond each; says of each in which turn of the event loop it was done. */
function* steps(many: number, turnOf: () => number): Generator<void, number[]> {
  const turns: number[] = []
  for (let step = 0; step < many; step += 1) {
    busy(1)
    turns.push(turnOf())
    yield
  }
  return turns
}

describe('work in slices', () => {
  /** Counts the turns of the event loop while `act` runs. */
  async function counting<T>(act: (turnOf: () => number) => Promise<T>): Promise<T> {
    // What work before this one has booked of a turn is not counted with the first.
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

  it('gives the event loop a turn after a few milliseconds, however many do such work', async () => {
    const all = await counting((turnOf) =>
      Promise.all(Array.from({ length: 20 }, () => runCooperatively(steps(10, turnOf)))),
    )

    const perTurn = Map.groupBy(all.flat(), (turn) => turn)
    const most = Math.max(...[...perTurn.values()].map(({ length }) => length))
    assert.equal(all.flat().length, 200)
    assert.ok(most <= 8, `${most} ms in one turn`)
  })

  it('does much work that takes no time in few turns', async () => {
    const turns = await counting(async (turnOf) => {
      const began = turnOf()
      await Promise.all(Array.from({ length: 1000 }, () => forEachYielding([1], () => {})))
      return turnOf() - began
    })

    assert.ok(turns < 100, `${turns} turns`)
  })

  it('does what cannot be interrupted one by one, each in a turn that has something left', async () => {
    const turns = await counting(async (turnOf) => {
      const met: number[] = []
      await Promise.all(Array.from({ length: 10 }, () => forEachYielding([4], (ms) => (busy(ms), met.push(turnOf())))))
      return met
    })

    const most = Math.max(...[...Map.groupBy(turns, (turn) => turn).values()].map(({ length }) => length))
    assert.ok(most <= 3, `${most} of 4 ms in one turn`)
  })

  it('sorts texts as they are compared, the same ones and the greatest included', () => {
    const texts = Array.from({ length: 5000 }, (_, at) => `${(at * 7919) % 1009}`)

    const sorted = runToCompletion(sorting(texts))

    assert.deepEqual(
      sorted,
      texts.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0)),
    )
  })

  it('rejects with what the work throws, and holds up nobody else', async () => {
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
