import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBodyQueue } from '../../src/outbound/body-queue.ts'

function createQueue() {
  const calls: string[] = []
  const queue = createBodyQueue({ resume: () => calls.push('resume'), abort: () => calls.push('abort') })
  return { queue, calls }
}

describe('body queue', () => {
  it('returns the chunks in order, and undefined after the last one', async () => {
    const { queue } = createQueue()
    const first = queue.next()
    queue.add(Buffer.from('a'))
    queue.add(Buffer.from('b'))
    queue.end()

    assert.equal(String(await first), 'a')
    assert.equal(String(await queue.next()), 'b')
    assert.equal(await queue.next(), undefined)
  })

  it('asks for a pause at 64 KiB, and resumes once the reader is below it', async () => {
    const { queue, calls } = createQueue()

    assert.equal(queue.add(Buffer.alloc(65_535)), true)
    assert.equal(queue.add(Buffer.alloc(1)), false)
    assert.deepEqual(calls, [])
    await queue.next()
    assert.deepEqual(calls, ['resume'])
  })

  it('joins the chunks that wait for the reader', async () => {
    const { queue } = createQueue()
    for (let count = 0; count < 1000; count += 1) queue.add(Buffer.from(String(count % 10)))
    queue.end()

    const chunks: string[] = []
    for (let chunk = await queue.next(); chunk; chunk = await queue.next()) chunks.push(String(chunk))

    assert.ok(chunks.length <= 2, `${chunks.length} chunks`)
    assert.equal(chunks.join(''), '0123456789'.repeat(100))
  })

  it('breaks off a body of tiny chunks', async () => {
    const { queue, calls } = createQueue()
    const small = Array.from({ length: 100_000 }, () => Buffer.from('small enough, but not too small.'))
    for (const chunk of small) {
      queue.add(chunk)
      await queue.next()
    }
    assert.deepEqual(calls, [])
    for (let count = 0; count < 200_000; count += 1) queue.add(Buffer.from('x'))

    await assert.rejects(queue.next(), /too many small chunks/)
    assert.deepEqual(calls, ['abort'])
  })

  it('rejects a waiting reader when the body breaks off, with the first error', async () => {
    const { queue } = createQueue()
    const waiting = queue.next()
    queue.fail(new Error('first'))
    queue.fail(new Error('second'))

    await assert.rejects(waiting, /first/)
    await assert.rejects(queue.next(), /first/)
  })

  it('aborts the connection when dropped early, and leaves a complete body alone', () => {
    const early = createQueue()
    early.queue.drop()
    early.queue.drop()
    assert.deepEqual(early.calls, ['abort'])

    const complete = createQueue()
    complete.queue.add(Buffer.from('unread'))
    complete.queue.end()
    complete.queue.drop()
    assert.deepEqual(complete.calls, [])
  })
})
