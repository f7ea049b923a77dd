import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProbeRequest } from '../../../src/health/probes/probe.ts'
import { openRecordingFetch } from '../../../src/health/probes/recording-fetch.ts'
import type { HttpClient, OutboundStreamRequest } from '../../../src/outbound/http-client.ts'
import { OutboundError } from '../../../src/outbound/outbound-error.ts'

const url = 'http://weather.example/mcp'

/** A recording fetch whose HTTP client responds with this status and body, or fails. */
function recordingWith({ status = 200, body = ['{}'] }: { status?: number; body?: (string | Error)[] } = {}) {
  const sent: OutboundStreamRequest[] = []
  let closed = 0
  const chunks = async function* () {
    for (const chunk of body) {
      if (chunk instanceof Error) throw chunk
      yield await Promise.resolve(Buffer.from(chunk))
    }
  }
  const http = {
    stream: (target: string, request: OutboundStreamRequest) => {
      sent.push(request)
      return Promise.resolve({ status, headers: {}, url: target, body: chunks(), close: () => (closed += 1) })
    },
  } as unknown as HttpClient
  const request = { url, headers: { Authorization: 'mine' }, timeoutMs: 5000, signal: new AbortController().signal }
  return { ...openRecordingFetch(request as unknown as ProbeRequest, http), sent, closed: () => closed }
}

describe('recording fetch', () => {
  it('records the JSON-RPC method and status of each exchange', async () => {
    const { fetch, exchanges } = recordingWith({ status: 503 })
    await fetch(url, { method: 'POST', body: '{"jsonrpc":"2.0","method":"tools/list"}' })
    await fetch(url)

    assert.deepEqual(exchanges, [
      { sent: 'tools/list', status: 503 },
      { sent: 'GET', status: 503 },
    ])
  })

  it('sends the server’s headers to its own origin only', async () => {
    const { fetch, sent } = recordingWith()
    await fetch(url, { headers: { Accept: 'text/plain' } })
    await fetch('http://other.example/mcp')

    assert.deepEqual(
      sent.map(({ headers }) => headers),
      [{ authorization: 'mine', accept: 'text/plain' }, {}],
    )
  })

  it('rejects redirects, and records why', async () => {
    const { fetch, exchanges } = recordingWith({ status: 302 })

    await assert.rejects(fetch(url), { name: 'OutboundError', reason: 'http_status' })
    assert.equal(exchanges.length, 2)
    assert.ok(exchanges[1] && 'error' in exchanges[1])
  })

  it('records a body that fails or exceeds 2 MiB, and closes its stream', async () => {
    const megabyte = 'x'.repeat(1024 * 1024)
    for (const body of [[new OutboundError('timeout', 'too slow')], [megabyte, megabyte, 'x']]) {
      const { fetch, exchanges, closed } = recordingWith({ body })
      await assert.rejects((await fetch(url)).text(), OutboundError)
      assert.ok(exchanges.some((exchange) => 'error' in exchange && exchange.sent === 'body'))
      assert.ok(closed() >= 1)
    }
  })

  it('closes every open stream when disposed', async () => {
    const recording = recordingWith()
    await recording.fetch(url)
    await recording.fetch(url)
    recording[Symbol.dispose]()

    assert.equal(recording.closed(), 2)
  })
})
