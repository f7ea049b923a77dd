import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createGroupCommit } from '../../../src/stores/pipeline/group-commit.ts'
import { type StoreOperation, type OperationOutcome, StoreUnavailable } from '../../../src/stores/store.ts'
import { put } from '../builders.ts'

/** A slow database that records each batch, and fails on some names. */
function createSlowDatabase() {
  const batches: string[][] = []
  const failures = new Map<string, Error>()
  const begun = Promise.withResolvers<void>()

  async function write(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    begun.resolve()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const names = operations.map(({ name }) => name)
    batches.push(names)
    for (const name of names) if (failures.has(name)) throw failures.get(name)
    return operations.map((): OperationOutcome => ({ type: 'conflict', current: undefined }))
  }

  return { write, batches, failures, begun: begun.promise }
}

describe('group commit', () => {
  it('writes operations that arrive during a batch as the next batch, in order', async () => {
    const { write, batches, begun } = createSlowDatabase()
    const group = createGroupCommit(write)
    const first = group.commit([put({ name: 'first' })])
    await begun

    await Promise.all(['a', 'b', 'c'].map((name) => group.commit([put({ name })])))
    await first

    assert.deepEqual(batches, [['first'], ['a', 'b', 'c']])
    assert.equal(group.pending(), 0)
  })

  it('adds operations that follow the outcomes of one batch to the next batch', async () => {
    const { write, batches, begun } = createSlowDatabase()
    const group = createGroupCommit(write)
    const first = group.commit([put({ name: 'first' })])
    await begun
    const waiting = group.commit([put({ name: 'waiting' })])

    await first
    await Promise.all([waiting, group.commit([put({ name: 'next' })])])

    assert.deepEqual(batches, [['first'], ['waiting', 'next']])
  })

  it('resolves a few calls in each turn of the event loop, in order', async () => {
    const { write } = createSlowDatabase()
    const group = createGroupCommit(write)
    const resolved: number[] = []
    const calls = Array.from({ length: 40 }, (_, at) =>
      group.commit([put({ name: `${at}` })]).then(() => resolved.push(at)),
    )
    const turns: number[] = []

    await calls[0]
    for (let before = 0; resolved.length < calls.length; before = resolved.length) {
      await new Promise((resolve) => setImmediate(resolve))
      turns.push(resolved.length - before)
    }

    assert.ok(turns.length > 1 && turns.every((many) => many <= 35), turns.join())
    assert.deepEqual(
      resolved,
      calls.map((_, at) => at),
    )
  })

  it('fails a bad call alone, not the calls of its batch', async () => {
    const { write, failures } = createSlowDatabase()
    failures.set('bad', new Error('no such thing'))
    const group = createGroupCommit(write)

    const settled = await Promise.allSettled(['a', 'bad', 'b'].map((name) => group.commit([put({ name })])))

    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal(group.pending(), 0)
  })

  it('rejects all pending calls when the store is down, and works again afterwards', async () => {
    const { write, batches, failures } = createSlowDatabase()
    failures.set('a', new StoreUnavailable('gone'))
    const group = createGroupCommit(write)

    const settled = await Promise.allSettled(['a', 'b'].map((name) => group.commit([put({ name })])))

    assert.ok(settled.every((one) => one.status === 'rejected' && one.reason instanceof StoreUnavailable))
    assert.equal(batches.length, 1)
    await group.commit([put({ name: 'b' })])
  })

  it('rejects calls beyond its limit', async () => {
    const group = createGroupCommit(createSlowDatabase().write)
    const definition = 'x'.repeat(1024 * 1024)
    const settled = await Promise.allSettled(Array.from({ length: 100 }, () => group.commit([put({ definition })])))

    const rejected = settled.filter(({ status }) => status === 'rejected')
    assert.equal(rejected.length, 36)
    await group.commit([put()])
  })
})
