import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch } from '../../src/model/change.ts'
import { createChangeLog } from '../../src/registry/change-log.ts'
import { createTestRegistry } from '../test-registry.ts'

const reasonOf = (result: number | { readonly reason: string }) =>
  typeof result === 'number' ? result : result.reason.replace(/:.*/, '')

describe('change log', () => {
  it('returns the batch that followed each revision that it holds', () => {
    const { registry, put } = createTestRegistry()
    put({ name: 'before' })
    const changeLog = createChangeLog({ registry })
    for (const name of ['a', 'b', 'c']) put({ name })

    assert.deepEqual(
      [1, 2, 3].map((revision) => changeLog.after(revision)?.changes[0]?.now?.server.name),
      ['a', 'b', 'c'],
    )
    assert.equal(changeLog.after(4), undefined)
    assert.equal(changeLog.after(0), undefined)
    assert.equal(reasonOf(changeLog.revisionOf('e-0')), 'expired')
    assert.equal(changeLog.revisionOf('e-1'), 1)
    assert.equal(changeLog.revisionOf(registry.token()), 4)
  })

  for (const [limit, name] of [
    [{ maxChanges: 10 }, 'changes'],
    [{ maxBytes: 20_000 }, 'bytes'],
  ] as const) {
    it(`drops the oldest batches beyond its limit of ${name}, and rejects their tokens`, () => {
      const { registry, put } = createTestRegistry()
      const changeLog = createChangeLog({ registry, ...limit })

      for (let index = 0; index < 3000; index += 1) put({ name: `s${index % 7}`, version: String(index) })

      const { changes, bytes } = changeLog.counts()
      assert.ok(changes > 3 && changes <= 10 + 20)
      assert.ok(bytes <= 40_000)
      assert.equal(reasonOf(changeLog.revisionOf(`e-${changeLog.oldest()}`)), changeLog.oldest())
      assert.equal(reasonOf(changeLog.revisionOf(`e-${changeLog.oldest() - 1}`)), 'expired')
      for (let revision = changeLog.oldest(); revision < changeLog.newest(); revision += 1)
        assert.equal(changeLog.after(revision)?.revision, revision + 1)
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
    it(`rejects the token ${JSON.stringify(token.slice(0, 30))}: ${reason}`, () => {
      const { registry, put } = createTestRegistry()
      const changeLog = createChangeLog({ registry })
      put({ name: 'a' })
      put({ name: 'b' })

      assert.equal(reasonOf(changeLog.revisionOf(token)), reason)
    })
  }

  for (const [field, value] of [
    ['annotations', { a: 'x'.repeat(10_000) }],
    ['metadata', { deep: { a: 'x'.repeat(10_000) } }],
    ['env', { A: 'x'.repeat(10_000) }],
    ['capabilities', [{ name: 'c', input_schema: { description: 'x'.repeat(10_000) } }]],
  ] as const) {
    it(`counts the texts in the ${field} of servers`, () => {
      const { registry, put } = createTestRegistry()
      const changeLog = createChangeLog({ registry, maxBytes: 1_000_000 })

      for (let version = 0; version < 200; version += 1)
        put({ name: 's', command: 'x', type: 'stdio', url: undefined, version: String(version), [field]: value })

      const { changes, bytes } = changeLog.counts()
      assert.ok(bytes > changes * 10_000 && bytes <= 1_000_000, `${changes} changes of ${bytes} bytes`)
    })
  }

  it('drops a single batch that exceeds the limit', () => {
    const { registry, put } = createTestRegistry()
    const changeLog = createChangeLog({ registry, maxChanges: 5 })

    put(...Array.from({ length: 20 }, (_, index) => ({ name: `s${index}` })))

    assert.equal(reasonOf(changeLog.revisionOf('e-0')), 'expired')
    assert.equal(changeLog.revisionOf('e-1'), 1)
  })

  it('rejects tokens of before a missing revision', () => {
    const { registry, put } = createTestRegistry()
    let push: (batch: Batch) => void = () => {}
    const changeLog = createChangeLog({ registry: { token: () => 'e-0', subscribe: (to) => ((push = to), () => {}) } })
    registry.subscribe((batch) => batch.revision !== 2 && push(batch))

    for (const name of ['a', 'b', 'c']) put({ name })

    assert.equal(reasonOf(changeLog.revisionOf('e-1')), 'expired')
    assert.equal(changeLog.after(2)?.revision, 3)
  })
})
