import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRefreshTracker } from '../../../src/registry/supervision/refresh-tracker.ts'

const outcome = { changes: [], held: false }

describe('the refresh tracker', () => {
  it('answers a refresh with a read that started after it, not with one under way', async () => {
    let requests = 0
    const reads = createRefreshTracker({ name: 'files', requestRead: () => (requests += 1) })
    reads.readStarted()

    const refresh = reads.refresh(1000)
    reads.readFinished({ ...outcome, error: 'of the read under way' })
    reads.readStarted()
    reads.readFinished(outcome)

    assert.equal(requests, 1)
    assert.deepEqual(await refresh, outcome)
  })

  it('answers every refresh with the last outcome when the source is stopped', async () => {
    const reads = createRefreshTracker({ name: 'files', requestRead: () => {} })

    const refresh = reads.refresh(1000)
    reads.readFinished(outcome, { isLast: true })

    assert.deepEqual(await refresh, outcome)
  })

  it('rejects a refresh without an outcome in time', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const reads = createRefreshTracker({ name: 'files', requestRead: () => {} })

    const refresh = reads.refresh(30_000)
    mock.timers.tick(30_000)

    await assert.rejects(refresh, /source files did not answer within 30 s/)
  })

  it('is settled after the first outcome', async () => {
    const reads = createRefreshTracker({ name: 'files', requestRead: () => {} })
    reads.readFinished(outcome)

    await reads.settled
  })
})
