import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { createProviderSessions } from '../../../src/client/agent/calls/provider-sessions.ts'
import { AgentError, type CallOptions } from '../../../src/client/agent/index.ts'
import { freePort } from '../../programs.ts'

type Answer = (request: { id: number; method: string }, response: ServerResponse) => void

/** A server of MCP of 2025 whose calls are answered as `answerCall` says; without it, the server answers nothing at all. */
async function serve(answerCall: Answer | undefined) {
  const seen: string[] = []
  const server = createServer((incoming, response) => void answer(incoming, response))

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = JSON.parse(await text(incoming)) as {
      id: number
      method: string
      params: { protocolVersion: string }
    }
    seen.push(request.method)
    if (!answerCall) return
    if (request.method === 'tools/call') return answerCall(request, response)
    if (request.method === 'notifications/initialized') return void response.writeHead(202).end()
    if (request.method !== 'initialize') return void response.writeHead(400).end()
    const { protocolVersion } = request.params
    const result = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'broken', version: '1' } }
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': String(seen.length) })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: request.id, result }))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const sessions = createProviderSessions({ agent_id: 'test' })
  const endpoint = `http://127.0.0.1:${port}`
  const call = async (to = endpoint, options: CallOptions = {}) =>
    await sessions.call(
      { agent_id: 'broken', capability: 'c', function_name: 'f', endpoint: to, status: 'available' },
      {},
      options,
    )
  return {
    seen,
    endpoint,
    call,
    [Symbol.asyncDispose]: async () => {
      sessions.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function text(incoming: IncomingMessage): Promise<string> {
  return Buffer.concat(await incoming.toArray()).toString()
}

const failing = (code: string) => (error: unknown) => error instanceof AgentError && error.code === code
const stream = { 'content-type': 'text/event-stream' }

describe('a call of a provider', () => {
  it('whose stream ends before the answer is interrupted at once', async () => {
    await using provider = await serve((_request, response) => response.writeHead(200, stream).end(': hello\n\n'))

    await assert.rejects(provider.call(), failing('call_interrupted'))
  })

  it('whose stream is reset before the answer is interrupted at once', async () => {
    await using provider = await serve((_request, response) => {
      response.writeHead(200, stream).write('data: {"jsonrpc"', () => response.destroy())
    })

    await assert.rejects(provider.call(), failing('call_interrupted'))
  })

  it('whose stream has the answer before its end succeeds', async () => {
    await using provider = await serve(({ id }, response) => {
      const result = { content: [{ type: 'text', text: 'done' }] }
      response.writeHead(200, stream).end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    })

    assert.equal(await provider.call(), 'done')
  })

  it('whose session the provider has forgotten is made again, once', async () => {
    let calls = 0
    await using provider = await serve(({ id }, response) => {
      calls += 1
      const isForgotten = calls === 1
      response.writeHead(isForgotten ? 404 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'again' }] } }))
    })

    assert.equal(await provider.call(), 'again')
    assert.equal(provider.seen.filter((method) => method === 'initialize').length, 2)
  })

  it('that is refused with a status names the status', async () => {
    await using provider = await serve((_request, response) => response.writeHead(503).end())

    await assert.rejects(provider.call(), /f of broken \(http:\S+\) was refused with status 503/)
  })

  it('that a silent provider does not take up ends with its own limit, and may be repeated', async () => {
    await using provider = await serve(undefined)

    await assert.rejects(provider.call(provider.endpoint, { timeoutMs: 50 }), failing('provider_unreachable'))
    await assert.rejects(provider.call(provider.endpoint, { signal: AbortSignal.timeout(50) }), failing('call_aborted'))
  })

  it('that cannot be reached may be repeated', async () => {
    await using provider = await serve(() => undefined)

    await assert.rejects(provider.call(`http://127.0.0.1:${await freePort()}`), failing('provider_unreachable'))
  })
})
