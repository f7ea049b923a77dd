import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { createWatch } from '../../../src/api/watch/watch.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { parts, serve } from '../served-api.ts'
import { limits, untilTrue } from './watch-server.ts'

const listen = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: {} })

/** An API whose MCP endpoint answers with as many events as there is demand and more: one at each turn of the event loop. */
async function serveEndless(fields: Parameters<typeof limits>[0]) {
  const roster = createTestRegistry()
  const { registry } = roster
  const changeLog = createChangeLog({ registry })
  const watch = createWatch({
    registry,
    changeLog,
    limits: () => limits(fields),
    onError: (error) => assert.fail(String(error)),
  })
  let sent = 0
  let isCancelled = false

  function endless(): Response {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const push = () => {
          if (isCancelled) return
          controller.enqueue(Buffer.from(`data: ${'x'.repeat(50_000)}\n\n`))
          sent += 1
          setImmediate(push)
        }
        push()
      },
      cancel: () => void (isCancelled = true),
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  const served = await serve({
    parts: {
      ...parts(roster),
      mcp: { handle: () => Promise.resolve(endless()) },
      watch: { ...parts().watch, admit: watch.admit, relay: watch.relay },
    },
  })
  return { served, watch, sent: () => sent, isCancelled: () => isCancelled }
}

function subscribe(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${listen.length}\r\n\r\n${listen}`,
  )
  return socket
}

describe('an MCP subscription', () => {
  for (const [reason, fields] of [
    ['behind', { max_buffer_bytes: 1_000_000 }],
    ['memory', { max_buffer_bytes: 100_000_000, max_total_buffer_bytes: 1_048_576 }],
  ] as const) {
    it(`is cut where its client reads nothing, and counts as ${reason}`, async () => {
      const { served, watch, sent, isCancelled } = await serveEndless(fields)
      await using _ = served
      const socket = subscribe(served.port)
      socket.pause()

      await untilTrue(() => watch.counts().disconnects[reason] === 1)
      await untilTrue(() => watch.counts().watchers === 0)

      assert.equal(isCancelled(), true)
      assert.ok(sent() < 500, `${sent()} events of 50 kB were made`)
      assert.equal(watch.counts().bufferedBytes, 0)
      socket.destroy()
    })
  }

  it('ends with its connection', async () => {
    const { served, watch, isCancelled } = await serveEndless({})
    await using _ = served
    const socket = subscribe(served.port)
    await new Promise((resolve) => void socket.once('data', resolve))
    assert.equal(watch.counts().watchers, 1)
    socket.destroy()

    await untilTrue(() => watch.counts().watchers === 0)
    await untilTrue(isCancelled)
  })
})
