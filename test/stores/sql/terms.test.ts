import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withTerms, writeInTerm } from '../../../src/stores/sql/terms.ts'
import type { StoreOperation } from '../../../src/stores/store.ts'
import { put, retire } from '../builders.ts'

const fence = { id: 'a', incarnation: 'a1' }
const fenced = { ...retire('x', '1', 0), fence } as StoreOperation

/** A transaction that takes `workMs`, whose term lasts `leftMs` at each attempt. */
async function run(operations: readonly StoreOperation[], leftMs: readonly number[], workMs: number) {
  const seen: boolean[] = []
  await withTerms(operations, async (terms) => {
    await terms.hold({ termLeft: async () => leftMs[seen.length] ?? 0 })
    seen.push(terms.isOver(fence))
    const end = performance.now() + workMs
    while (performance.now() < end);
    terms.assertHeld()
  })
  return seen
}

describe('the terms of a transaction', () => {
  it('last until its end', async () => {
    assert.deepEqual(await run([fenced, put()], [60_000], 0), [false])
    assert.deepEqual(await run([fenced], [0], 0), [true])
  })

  it('end within it where the process was paused: its writes are undone, and it runs again', async () => {
    assert.deepEqual(await run([fenced], [5, -5], 10), [false, true])
  })

  it('refuse a write that they do not outlast, and undo it', async () => {
    const leftMs = [5, -5]
    let rolledBack = 0
    const isWritten = await writeInTerm(
      fence,
      (work) =>
        work({ termLeft: async () => leftMs.shift() ?? 0 }).catch((error: unknown) => {
          rolledBack += 1
          throw error
        }),
      async () => {
        const end = performance.now() + 10
        while (performance.now() < end);
      },
    )

    assert.equal(isWritten, false)
    assert.equal(rolledBack, 1)
  })

  it('are not read where no operation depends on one', async () => {
    await withTerms([put()], async (terms) => {
      await terms.hold({ termLeft: () => assert.fail('read') })
      assert.equal(terms.isOver(undefined), false)
      terms.assertHeld()
    })
  })
})
