import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { createResponseBudget } from '../../../../src/api/http/sending/response-budget.ts'

const kilobyte = 1024

/** A response whose client reads only what `read` takes. */
class UnreadResponse extends EventEmitter {
  destroyed = false
  written = 0
  write(piece: Buffer): boolean {
    this.written += piece.length
    return false
  }
  read(): void {
    this.emit('drain')
  }
  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

function createBudget() {
  let time = 0
  const budget = createResponseBudget({ maxTotalBytes: 100 * kilobyte, now: () => time })
  const send = (body: Buffer): UnreadResponse => {
    const response = new UnreadResponse()
    budget.countBody(response as unknown as ServerResponse, body)
    return response
  }
  return { ...budget, send, advance: (ms: number) => void (time += ms) }
}

const bodyOf = (kilobytes: number) => Buffer.alloc(kilobytes * kilobyte)
const pieceOf = (kilobytes: number) => ({ bytes: bodyOf(kilobytes), isOwned: true })

describe('the budget of responses that are not read', () => {
  it('refuses a body without room while the others may still be read', () => {
    const { send } = createBudget()
    send(bodyOf(60))

    assert.throws(() => send(bodyOf(60)), { code: 'responses_exceeded', status: 503 })
    send(bodyOf(30))
  })

  it('cuts the client that stopped reading longest, and no more than needed', () => {
    const { send, advance } = createBudget()
    const oldest = send(bodyOf(40))
    advance(100)
    const older = send(bodyOf(40))
    advance(2000)

    send(bodyOf(60))

    assert.deepEqual([oldest.destroyed, older.destroyed], [true, false])
  })

  it('counts a body that many send once, until the last has sent it', () => {
    const { send, totalBytes } = createBudget()
    const body = bodyOf(60)
    const responses = Array.from({ length: 10 }, () => send(body))

    assert.equal(totalBytes(), 60 * kilobyte)
    for (const response of responses.slice(1)) response.emit('close')
    assert.equal(totalBytes(), 60 * kilobyte)
    responses[0]?.emit('close')
    assert.equal(totalBytes(), 0)
  })

  it('sends a body longer than all its bytes where it is the only one', () => {
    const { send, totalBytes } = createBudget()
    const response = send(bodyOf(500))
    response.emit('close')

    assert.equal(totalBytes(), 0)
  })

  it('holds one piece of a stream until the client has read it', async () => {
    const { writePiece, totalBytes } = createBudget()
    const response = new UnreadResponse()
    const closed = new AbortController()
    const written = writePiece(response as unknown as ServerResponse, pieceOf(20), closed.signal)

    assert.equal(totalBytes(), 20 * kilobyte)
    response.read()
    await written
    assert.equal(totalBytes(), 0)
  })

  it('lets a stream wait for room, and ends its wait with its connection', async () => {
    const { send, writePiece } = createBudget()
    const other = send(bodyOf(90))
    const response = new UnreadResponse()
    const closed = new AbortController()
    const gone = writePiece(new UnreadResponse() as unknown as ServerResponse, pieceOf(20), closed.signal)
    const waiting = writePiece(response as unknown as ServerResponse, pieceOf(20), new AbortController().signal)
    assert.equal(response.written, 0)

    closed.abort()
    await gone
    other.emit('close')
    response.on('newListener', (event) => void (event === 'drain' && queueMicrotask(() => response.read())))
    await waiting

    assert.equal(response.written, 20 * kilobyte)
  })
})
