import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openLazily } from '../../../src/stores/sqlite/lazy-open.ts'
import { StoreUnavailable } from '../../../src/stores/store.ts'
import { put } from '../builders.ts'

it('a file that cannot be opened just while the store is closed fails its writers, not the close', async () => {
  const full = new StoreUnavailable('the disk is full')
  const backend = openLazily({ isEmpty: async () => true, open: () => Promise.reject(full), pollMs: 1000 })

  const [written, closed] = await Promise.allSettled([backend.commit([put()]), backend.close()])

  assert.deepEqual(written, { status: 'rejected', reason: full })
  assert.equal(closed.status, 'fulfilled')
})
