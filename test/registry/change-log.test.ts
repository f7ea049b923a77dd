import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../../src/model/change.ts'
import { createChangeLog } from '../../src/registry/change-log.ts'
import { createTestRegistry } from '../roster.ts'

const reasonOf = (found: number | { readonly reason: string }) =>
  typeof found === 'number' ? found : found.reason.replace(/:.*/, '')

describe('journal', () => {
  it('knows what followed each revision that it holds', () => {
    const { registry, put } = createTestRegistry()
    put({ name: 'before' })
    const journal = createChangeLog({ registry })
    for (const name of ['a', 'b', 'c']) put({ name })

    assert.deepEqual(
      [1, 2, 3].map((revision) => journal.after(revision)?.changes[0]?.now?.server.name),
      ['a', 'b', 'c'],
    )
    assert.equal(journal.after(4), undefined)
    assert.equal(journal.after(0), undefined)
    assert.equal(reasonOf(journal.revisionOf('e-0')), 'expired')
    assert.equal(journal.revisionOf('e-1'), 1)
    assert.equal(journal.revisionOf(registry.token()), 4)
  })

  for (const [limit, name] of [
    [{ maxChanges: 10 }, 'changes'],
    [{ maxBytes: 20_000 }, 'bytes'],
  ] as const) {
    it(`holds no more ${name} than it may, and says what it has forgotten`, () => {
      const { registry, put } = createTestRegistry()
      const journal = createChangeLog({ registry, ...limit })

      for (let index = 0; index < 3000; index += 1) put({ name: `s${index % 7}`, version: String(index) })

      const { changes, bytes } = journal.counts()
      assert.ok(changes > 3 && changes <= 10 + 20)
      assert.ok(bytes <= 40_000)
      assert.equal(reasonOf(journal.revisionOf(`e-${journal.oldest()}`)), journal.oldest())
      assert.equal(reasonOf(journal.revisionOf(`e-${journal.oldest() - 1}`)), 'expired')
      for (let revision = journal.oldest(); revision < journal.newest(); revision += 1)
        assert.equal(journal.after(revision)?.revision, revision + 1)
    })
  }

  for (const [token, reason] of [
    ['other-1', 'epoch'],
    ['E-1', 'epoch'],
    ['e-3', 'future'],
    ['e-999999999999999', 'future'],
    ['e-9999999999999999', 'malformed'],
    ['e--1', 'malformed'],
    ['e-1.5', 'malformed'],
    ['e-', 'malformed'],
    ['-1', 'malformed'],
    ['1', 'malformed'],
    ['', 'malformed'],
    ['e-1\0', 'malformed'],
    [`${'e'.repeat(100_000)}-1`, 'malformed'],
  ] as const) {
    it(`lets nobody go on from ${JSON.stringify(token.slice(0, 30))}: ${reason}`, () => {
      const { registry, put } = createTestRegistry()
      const journal = createChangeLog({ registry })
      put({ name: 'a' })
      put({ name: 'b' })

      assert.equal(reasonOf(journal.revisionOf(token)), reason)
    })
  }

  it('holds nothing of a batch that alone is too much', () => {
    const { registry, put } = createTestRegistry()
    const journal = createChangeLog({ registry, maxChanges: 5 })

    put(...Array.from({ length: 20 }, (_, index) => ({ name: `s${index}` })))

    assert.equal(reasonOf(journal.revisionOf('e-0')), 'expired')
    assert.equal(journal.revisionOf('e-1'), 1)
  })

  it('lets nobody go on over a gap', () => {
    const { registry, put } = createTestRegistry()
    let push: (batch: Batch) => void = () => {}
    const journal = createChangeLog({ registry: { token: () => 'e-0', subscribe: (to) => ((push = to), () => {}) } })
    registry.subscribe((batch) => batch.revision !== 2 && push(batch))

    for (const name of ['a', 'b', 'c']) put({ name })

    assert.equal(reasonOf(journal.revisionOf('e-1')), 'expired')
    assert.equal(journal.after(2)?.revision, 3)
  })
})
