import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nextHeartbeats, type HeartbeatCursor } from '../../../src/stores/sql/heartbeat-window.ts'
import { createRandom } from '../../random.ts'

type Row = { readonly writtenAt: number; readonly visibleAt: number }

/** Reads as a store does: the rows of the windows that are visible by then. */
function createReader(rows: readonly Row[]) {
  const reads = new Map<Row, number>()
  let cursor: HeartbeatCursor | undefined

  function read(now: number): void {
    const { windows, next } = nextHeartbeats(cursor, now)
    const found = rows.filter(({ writtenAt, visibleAt }) => {
      return visibleAt <= now && windows.some(({ after, upTo }) => writtenAt > after && writtenAt <= upTo)
    })
    for (const row of found) reads.set(row, (reads.get(row) ?? 0) + 1)
    cursor = next(found.map(({ writtenAt }) => writtenAt))
  }

  return { read, reads }
}

describe('the windows of heartbeats', () => {
  it('every heartbeat is read once or twice, however often and unevenly the store is read', () => {
    const { next: random } = createRandom(7)
    for (let run = 0; run < 20; run += 1) {
      const rows = Array.from({ length: 300 }, () => {
        const writtenAt = 100_000 + Math.floor(random() * 60_000)
        // A transaction may end up to ten seconds after it took its time.
        return { writtenAt, visibleAt: writtenAt + Math.floor(random() ** 8 * 9999) }
      })
      const { read, reads } = createReader(rows)
      for (let now = 100_000; now < 190_000; now += 1 + Math.floor(random() * random() * 6000)) read(now)

      assert.equal(reads.size, rows.length)
      for (const [row, count] of reads) assert.ok(count <= 2, `${count} times: ${JSON.stringify(row)}`)
    }
  })

  it('a clock that is set back hides no heartbeat', () => {
    const rows = [200_000, 100_000].map((writtenAt) => ({ writtenAt, visibleAt: 0 }))
    const { read, reads } = createReader(rows)

    read(200_001)
    read(100_001)

    assert.equal(reads.size, 2)
  })

  it('the first read takes those of the last minute', () => {
    const rows = [30_000, 50_000].map((writtenAt) => ({ writtenAt, visibleAt: writtenAt }))
    const { read, reads } = createReader(rows)

    read(100_000)

    assert.deepEqual([...reads.keys()], [rows[1]])
  })
})
