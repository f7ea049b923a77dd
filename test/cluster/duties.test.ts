import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startDuties } from '../../src/cluster/duties.ts'
import { silent } from '../../src/log.ts'
import type { Fence } from '../../src/stores/member.ts'
import { statusOf, createTestJournal } from '../journal/test-journal.ts'
import { until } from '../stores/builders.ts'

const fence = { id: 'a', incarnation: 'a1' }

describe('the duties of the leader', () => {
  it('forget stored deletions now and then, under its term, and only while it has one', async () => {
    const terms: (Fence | undefined)[] = []
    let asked = 0
    using stack = new DisposableStack()
    stack.use(
      startDuties({
        opening: Promise.resolve({ pruneDeletions: async (term) => void terms.push(term) }),
        duty: () => ((asked += 1) < 3 ? undefined : fence),
        log: silent,
        everyMs: 5,
      }),
    )

    await until(() => terms.length === 2)
    assert.deepEqual(terms, [fence, fence])
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
