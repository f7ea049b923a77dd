import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startDuties } from '../../src/cluster/duties.ts'
import { silent } from '../../src/log.ts'
import { statusOf, createTestJournal } from '../journal/test-journal.ts'
import { until } from '../stores/builders.ts'

const fence = { id: 'a', incarnation: 'a1' }

describe('the duties of the leader', () => {
  it('forget stored deletions and silent verdicts now and then, under its term, and only while it has one', async () => {
    const done: unknown[] = []
    let asked = 0
    using stack = new DisposableStack()
    stack.use(
      startDuties({
        opening: Promise.resolve({
          pruneDeletions: async (term) => {
            done.push(term)
            throw new Error('no deletions')
          },
          verdicts: {
            save: () => assert.fail(),
            follow: () => assert.fail(),
            prune: async (silent_ms, term) => void done.push([silent_ms, term]),
          },
        }),
        duty: () => ((asked += 1) < 3 ? undefined : fence),
        log: silent,
        everyMs: 5,
      }),
    )

    await until(() => done.length >= 4)
    assert.deepEqual(done.slice(0, 4), [fence, [86_400_000, fence], fence, [86_400_000, fence]])
    assert.ok(asked >= 4)
  })

  it('remove old events after many new ones', async () => {
    for (const [duty, expected] of [
      [() => undefined, []],
      [() => fence, [fence]],
    ] as const) {
      await using journal = createTestJournal({ duty })
      for (let n = 0; n < 5001; n += 1) journal.record(statusOf(`default/s${n}`))
      await journal.flush()
      assert.deepEqual(journal.prunings, expected)
    }
  })
})
