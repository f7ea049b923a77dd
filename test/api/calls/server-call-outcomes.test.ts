import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as send } from 'node:http'
import { describe, it } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { startMcp, text } from '../../client/connect/mcp-servers.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startReferenceServer } from '../../health/probes/probed-servers.ts'
import { as, startHttp, startWith } from './called-servers.ts'

const problemOf = ({ status, body }: { status: number; body: { code?: string } }) => [status, body.code ?? 'ok']

describe('the outcome of a call of a tool', () => {
  it('is a 404 of its own where the server has no such tool, in the words of each SDK', async (t) => {
    await using current = await startMcp()
    await using toolless = await startMcp({ build: () => undefined })
    const reference = await startReferenceServer(t, 'streamableHttp')
    const sse = await startReferenceServer(t, 'sse')
    /** A server that answers every call by this member of JSON-RPC. */
    const answering = async (member: object) =>
      startMcp({
        legacy: 'reject',
        intercept: (_, response, { method, id }) => {
          if (method !== 'tools/call') return false
          response.writeHead(200, { 'content-type': 'application/json' })
          response.end(JSON.stringify({ jsonrpc: '2.0', id, ...member }))
          return true
        },
      })
    const failing = (sentence: string) => ({ result: { resultType: 'complete', isError: true, ...text(sentence) } })
    await using fastMcp = await answering(failing("Unknown tool: 'absent'"))
    await using plain = await answering(failing('Error: Unknown tool: absent'))
    await using go = await answering({ error: { code: -32_602, message: 'invalid params: unknown tool "absent"' } })
    await using other = await answering({ error: { code: -32_602, message: 'Invalid arguments for tool absent: no' } })
    await using tool = await answering(failing('The file absent was not found'))
    await using daemon = await startWith({
      current: { url: current.url },
      toolless: { url: toolless.url },
      reference: { url: `http://127.0.0.1:${reference.port}/mcp` },
      sse: { url: `http://127.0.0.1:${sse.port}/sse`, type: 'sse' },
      fastMcp: { url: fastMcp.url },
      plain: { url: plain.url },
      go: { url: go.url },
      other: { url: other.url },
      tool: { url: tool.url },
    })

    for (const name of ['current', 'toolless', 'reference', 'sse', 'fastMcp', 'plain', 'go']) {
      const { status, body } = await daemon.call(`default/${name}`, 'absent')
      assert.deepEqual([name, status, body.code], [name, 404, 'tool_not_found'])
      assert.match(String(body.detail), new RegExp(`^"default/${name}" has no tool "absent"`))
    }
    assert.deepEqual(problemOf(await daemon.call('default/other', 'absent')), [502, 'call_failed'])
    assert.deepEqual(problemOf(await daemon.call('default/tool', 'absent')), [200, 'ok'])
  })

  it('comes from a server that is declared as http and speaks only the older streams', async (t) => {
    const { port } = await startReferenceServer(t, 'sse')
    await using daemon = await startWith({ older: { url: `http://127.0.0.1:${port}/sse` } })

    const { status, body } = await daemon.call('default/older', 'echo', { message: 'there' })

    assert.deepEqual([status, body.result?.content[0]?.text], [200, 'Echo: there'])
  })

  it('comes in the time that X-Mesh-Timeout asks for, and no later than calls.max_timeout', async (t) => {
    const hanging = await startHttp(t, () => undefined)
    await using daemon = await startWith({ hanging: { url: hanging } }, 'calls: { timeout: 30, max_timeout: 2 }\n')
    const timed = async (seconds: string) => {
      const start = performance.now()
      const answer = await daemon.call('default/hanging', 'any', {}, { ...as('admin'), 'x-mesh-timeout': seconds })
      return { outcome: problemOf(answer), ms: performance.now() - start }
    }

    const [short, long] = await Promise.all([timed('1'), timed('60')])

    assert.deepEqual(
      [short.outcome, long.outcome],
      [
        [504, 'call_timeout'],
        [504, 'call_timeout'],
      ],
    )
    assert.ok(short.ms < 1900 && long.ms >= 1900, `${short.ms} ms, ${long.ms} ms`)
  })

  it('is a problem where the result is nested too deep, and audited with the bytes that came', async () => {
    const levels = { fine: 100, deep: 2000, deepest: 200_000 }
    const nested = (depth: number) =>
      `{"resultType":"complete","content":[],"structuredContent":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    await using mcp = await startMcp({
      legacy: 'reject',
      intercept: (_, response, { method, id, params }) => {
        if (method !== 'tools/call') return false
        const { name } = params as { name: keyof typeof levels }
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(`{"jsonrpc":"2.0","id":${id},"result":${nested(levels[name])}}`)
        return true
      },
    })
    await using daemon = await startWith({ mcp: { url: mcp.url } }, 'calls: { timeout: 5 }\n')

    assert.deepEqual(problemOf(await daemon.call('default/mcp', 'fine')), [200, 'ok'])
    for (const tool of ['deep', 'deepest'])
      assert.deepEqual(problemOf(await daemon.call('default/mcp', tool)), [502, 'call_response_too_deep'])

    const chunked = send(`${daemon.url}/servers/default/mcp/tools/fine`, {
      method: 'POST',
      headers: { ...as('admin'), 'content-type': 'application/json' },
    })
    chunked.write('{"arguments":')
    chunked.end('{}}')
    const [response] = (await once(chunked, 'response')) as [{ statusCode: number; resume: () => void }]
    response.resume()
    assert.equal(response.statusCode, 200)
    const last = daemon.lines.findLast(({ msg }) => msg === 'call forwarded')
    assert.equal(last?.['request_bytes'], '{"arguments":{}}'.length)
  })

  it('is not waited for once the client has left: the server is told to stop', { timeout: 20_000 }, async (t) => {
    const ended: string[] = []
    const waiting = (name: string) => async (signal: AbortSignal) => {
      started.push(name)
      await once(signal, 'abort')
      ended.push(name)
      return text('stopped')
    }
    const started: string[] = []
    await using modern = await startMcp({
      legacy: 'reject',
      build: (server) => server.registerTool('wait', {}, async ({ mcpReq }) => waiting('modern')(mcpReq.signal)),
    })
    const deleted: string[] = []
    const session = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => 'one',
      onsessionclosed: (id) => void deleted.push(id),
    })
    const server = new McpServer({ name: 'older', version: '1' })
    server.registerTool('wait', {}, async ({ mcpReq }) => waiting('older')(mcpReq.signal))
    await server.connect(session)
    const listener = getRequestListener(async (request) => session.handleRequest(request))
    const older = await startHttp(t, (request, response) => void listener(request, response))
    await using daemon = await startWith({ modern: { url: modern.url }, older: { url: older } })

    for (const name of ['modern', 'older']) {
      const client = new AbortController()
      const call = daemon
        .get(`/servers/default/${name}/tools/wait`, { method: 'POST', headers: as('admin'), signal: client.signal })
        .catch((error: unknown) => error)
      await until(() => started.includes(name))
      client.abort()
      await call
      await until(() => ended.includes(name))
    }
    await until(() => deleted.includes('one'))
    const gone = () => daemon.lines.filter(({ audit, end }) => audit && end === 'gone')
    await until(() => gone().length === 2)
  })
})
