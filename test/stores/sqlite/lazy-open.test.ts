import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openLazily } from '../../../src/stores/sqlite/lazy-open.ts'
import { StoreUnavailable } from '../../../src/stores/store.ts'
import { put } from '../builders.ts'

it('a store whose file cannot be opened rejects the write, and still closes', async () => {
  const full = new StoreUnavailable('the disk is full')
  const driver = openLazily({ isEmpty: async () => true, open: () => Promise.reject(full), pollMs: 1000 })

  const [commit, close] = await Promise.allSettled([driver.commit([put()]), driver.close()])

  assert.deepEqual(commit, { status: 'rejected', reason: full })
  assert.equal(close.status, 'fulfilled')
})
