import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createGroupCommit } from '../../../src/stores/pipeline/group-commit.ts'
import { type StoreOperation, type OperationOutcome, StoreUnavailable } from '../../../src/stores/store.ts'
import { put } from '../builders.ts'

/** A database that is slow, keeps what it was given batch by batch, and fails on some names. */
function createSlow() {
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
  it('writes what arrives while one batch is on its way as the next one, in order', async () => {
    const { write, batches, begun } = createSlow()
    const group = createGroupCommit(write)
    const first = group.commit([put({ name: 'first' })])
    await begun

    await Promise.all(['a', 'b', 'c'].map((name) => group.commit([put({ name })])))
    await first

    assert.deepEqual(batches, [['first'], ['a', 'b', 'c']])
    assert.equal(group.waiting(), 0)
  })

  it('takes along what comes with the answers of the batch before', async () => {
    const { write, batches, begun } = createSlow()
    const group = createGroupCommit(write)
    const first = group.commit([put({ name: 'first' })])
    await begun
    const waiting = group.commit([put({ name: 'waiting' })])

    await first
    await Promise.all([waiting, group.commit([put({ name: 'next' })])])

    assert.deepEqual(batches, [['first'], ['waiting', 'next']])
  })

  it('tells its callers a few in each turn of the event loop, in order', async () => {
    const { write } = createSlow()
    const group = createGroupCommit(write)
    const told: number[] = []
    const calls = Array.from({ length: 40 }, (_, at) =>
      group.commit([put({ name: `${at}` })]).then(() => told.push(at)),
    )
    const turns: number[] = []

    await calls[0]
    for (let before = 0; told.length < calls.length; before = told.length) {
      await new Promise((resolve) => setImmediate(resolve))
      turns.push(told.length - before)
    }

    assert.ok(turns.length > 1 && turns.every((many) => many <= 35), turns.join())
    assert.deepEqual(
      told,
      calls.map((_, at) => at),
    )
  })

  it('keeps one bad call from hurting its neighbours', async () => {
    const { write, failures } = createSlow()
    failures.set('bad', new Error('no such thing'))
    const group = createGroupCommit(write)

    const settled = await Promise.allSettled(['a', 'bad', 'b'].map((name) => group.commit([put({ name })])))

    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal(group.waiting(), 0)
  })

  it('tells everybody who waits when the store is down, and goes on when it is back', async () => {
    const { write, batches, failures } = createSlow()
    failures.set('a', new StoreUnavailable('gone'))
    const group = createGroupCommit(write)

    const settled = await Promise.allSettled(['a', 'b'].map((name) => group.commit([put({ name })])))

    assert.ok(settled.every((one) => one.status === 'rejected' && one.reason instanceof StoreUnavailable))
    assert.equal(batches.length, 1)
    await group.commit([put({ name: 'b' })])
  })

  it('turns away what it cannot hold, instead of growing', async () => {
    const group = createGroupCommit(createSlow().write)
    const definition = 'x'.repeat(1024 * 1024)
    const settled = await Promise.allSettled(Array.from({ length: 100 }, () => group.commit([put({ definition })])))

    const refused = settled.filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 36)
    await group.commit([put()])
  })
})
