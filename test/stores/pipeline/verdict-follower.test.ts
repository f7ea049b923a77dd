import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { guardedVerdicts } from '../../../src/stores/pipeline/verdict-follower.ts'
import type { ReadVerdict, VerdictLog } from '../../../src/stores/verdict.ts'
import { until } from '../builders.ts'

function read(target: string, batch: string): ReadVerdict {
  return { target, batch, prober: 'a', verdict: '{}', checks: '' }
}

/** Follows a database whose content a test sets; counts the reads of each kind. */
function startFollower(fields: Partial<VerdictLog> = {}) {
  const database = { batch: '0', history: 'h', verdicts: [] as ReadVerdict[] }
  const reads = { newest: 0, after: 0 }
  const errors: unknown[] = []
  const pages: string[][] = []
  const stop = new AbortController()
  let wakes = 0
  let wake = () => {}
  const log: VerdictLog = {
    save: () => assert.fail('saved'),
    prune: () => assert.fail('pruned'),
    newest: async () => {
      reads.newest += 1
      return database
    },
    after: async (position) => {
      reads.after += 1
      return database.verdicts.filter(
        ({ batch, target }) =>
          Number(batch) > Number(position.batch) || (batch === position.batch && target > position.target),
      )
    },
    pollMs: 60_000,
    ...fields,
  }
  const table = guardedVerdicts(log, {
    attempt: (work) => work(),
    onWake: (wakeFollower) => {
      wake = wakeFollower
      wakes += 1
      return () => void (wakes -= 1)
    },
    onError: (error) => errors.push(error),
  })
  const following = (async () => {
    for await (const page of table.follow({ signal: stop.signal })) pages.push(page.map(({ target }) => target))
  })()
  return {
    database,
    reads,
    errors,
    pages,
    wake: () => wake(),
    stop: async () => {
      stop.abort()
      await following
      assert.equal(wakes, 0, 'it is woken no more')
    },
  }
}

describe('the follower of verdicts', () => {
  it('reads only the number of the last batch while there is nothing new', async () => {
    const { database, reads, pages, wake, stop } = startFollower()
    database.batch = '7'
    database.verdicts = [read('a', '5'), read('b', '7')]
    await until(() => pages.length === 2)
    assert.deepEqual(pages, [['a', 'b'], []])

    const before = { ...reads }
    wake()
    await until(() => reads.newest === before.newest + 1)
    assert.equal(reads.after, before.after)

    // Nothing is left of batch 8: its verdicts were removed.
    database.batch = '8'
    wake()
    await until(() => reads.after === before.after + 1)
    wake()
    await until(() => reads.newest === before.newest + 3)
    assert.equal(reads.after, before.after + 1)
    assert.equal(pages.length, 2)
    await stop()
  })

  it('begins again where the last batch is below its position, or in another history', async () => {
    const { database, pages, wake, stop } = startFollower()
    Object.assign(database, { batch: '7', verdicts: [read('a', '5'), read('b', '7')] })
    await until(() => pages.length === 2)

    Object.assign(database, { batch: '5', verdicts: [read('a', '5')] })
    wake()
    await until(() => pages.length === 4)
    Object.assign(database, { history: 'other', batch: '9', verdicts: [read('c', '2'), read('d', '9')] })
    wake()
    await until(() => pages.length === 6)

    assert.deepEqual(pages, [['a', 'b'], [], ['a'], [], ['c', 'd'], []])
    await stop()
  })

  it('reports a failure that is no outage, and reads again', async () => {
    let failures = 1
    const { errors, pages, wake, stop } = startFollower({
      after: async () => {
        if (failures-- > 0) throw new Error('a column is missing')
        return []
      },
    })
    await until(() => errors.length === 1)
    assert.deepEqual(pages, [])
    wake()
    await until(() => pages.length === 1)
    await stop()
  })
})
