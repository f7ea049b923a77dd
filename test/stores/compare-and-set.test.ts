import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyOperation, textProblem } from '../../src/stores/compare-and-set.ts'
import type { StoreOperation } from '../../src/stores/store.ts'
import { put } from './builders.ts'

const current = { resource_version: '3', created_at: '2026-01-01T00:00:00.000Z' }
const next = { version: '4', now: '2026-01-02T00:00:00.000Z' }
const remove = (expect: 'any' | { version: string }): StoreOperation => ({
  type: 'delete',
  kind: 'agent',
  namespace: 'default',
  name: 'weather',
  expect,
})

describe('an operation', () => {
  for (const [title, operation, stored, type] of [
    ['put with no condition applies to a missing registration', put(), undefined, 'put'],
    ['put with no condition applies to an existing registration', put(), current, 'put'],
    ['put that expects none conflicts with an existing registration', put({ expect: 'none' }), current, 'conflict'],
    ['put that expects the current version applies', put({ expect: { version: '3' } }), current, 'put'],
    ['put that expects an older version conflicts', put({ expect: { version: '2' } }), current, 'conflict'],
    [
      'put that expects a version conflicts with a missing one',
      put({ expect: { version: '3' } }),
      undefined,
      'conflict',
    ],
    ['delete of an existing registration applies', remove('any'), current, 'deleted'],
    ['delete of a missing registration conflicts', remove('any'), undefined, 'conflict'],
    ['delete that expects an older version conflicts', remove({ version: '2' }), current, 'conflict'],
  ] as const) {
    it(title, () => assert.equal(applyOperation(operation, stored, next).type, type))
  }

  it('changes nothing once the term of its fence is over, whatever it expects', () => {
    for (const operation of [put(), put({ expect: { version: '2' } }), remove('any')])
      assert.deepEqual(applyOperation(operation, current, { ...next, isFenced: true }), { type: 'fenced' })
  })

  it('put keeps the creation time of an existing registration and assigns version and update time', () => {
    const outcome = applyOperation(put(), current, next)

    assert.ok(outcome.type === 'put' && !outcome.created)
    assert.partialDeepStrictEqual(outcome.registration, {
      created_at: current.created_at,
      resource_version: '4',
      updated_at: next.now,
    })
  })
})

describe('a text to be stored', () => {
  for (const [text, problem] of [
    ['plain', undefined],
    [undefined, undefined],
    ['🦉', undefined],
    ['too long', 'name must be at most 6 characters'],
    ['a\0', 'name must not hold a NUL character'],
    ['\ud83e', 'name must be well-formed Unicode'],
  ] as const) {
    it(`${JSON.stringify(text) ?? 'absent'} ${problem === undefined ? 'is accepted' : 'is rejected'}`, () => {
      assert.equal(textProblem('name', text, 6), problem)
    })
  }
})
