import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import * as z from 'zod'
import { startMcp, text } from '../client/connect/mcp-servers.ts'
import { createServerFile } from '../client/connect/server-file.ts'
import { until } from '../e2e/daemon-process.ts'
import { startReferenceServer } from '../health/probes/probed-servers.ts'
import { running } from './command-runner.ts'

const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } }

/** A client that knows only standard input and output, with `mcp-roster connect SERVER` as its server. */
async function clientOf(t: TestContext, roster: string, server: string) {
  const client = new Client({ name: 'desktop', version: '1' }, { capabilities })
  const notices: string[] = []
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    model: 'none',
    content: { type: 'text', text: 'a sample' },
  }))
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }))
  client.setNotificationHandler('notifications/tools/list_changed', () => void notices.push('tools'))
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [process.env['ROSTER_BUILT_MAIN'] ?? 'src/main.ts', 'connect', server, '--url', roster],
    stderr: 'pipe',
  })
  let errors = ''
  transport.stderr?.on('data', (chunk) => void (errors += String(chunk)))
  t.after(() => client.close())
  await client.connect(transport)
  const call = async (name: string, args = {}, options = {}) =>
    JSON.stringify(await client.callTool({ name, arguments: args }, options))
  return { client, call, notices, errors: () => errors }
}

describe('mcp-roster connect', () => {
  it('a client on stdio uses a remote server with all that server may ask of it', async (t) => {
    const everything = await startReferenceServer(t, 'streamableHttp')
    await using place = await createServerFile({ all: { url: `http://127.0.0.1:${everything.port}/mcp` } })
    const { client, call } = await clientOf(t, place.daemon.url, 'all')

    assert.equal(client.getServerVersion()?.name, 'mcp-servers/everything')
    assert.match(client.getInstructions() ?? '', /Everything Server/)
    assert.match(await call('echo', { message: 'hi' }), /Echo: hi/)
    assert.match(await call('trigger-sampling-request', { prompt: 'hi', maxTokens: 9 }), /a sample/)
    assert.match(await call('trigger-elicitation-request'), /Ada/)
    let progress = 0
    await call('trigger-long-running-operation', { duration: 0.1, steps: 3 }, { onprogress: () => (progress += 1) })
    // The SDK on this side drops progress that arrives in one piece with the answer.
    assert.ok(progress === 2 || progress === 3)
    assert.ok((await client.listPrompts()).prompts.length > 0)
    const { resources } = await client.listResources()
    assert.ok((await client.readResource({ uri: resources[0]?.uri ?? '' })).contents.length > 0)
    const abort = new AbortController()
    const long = call('trigger-long-running-operation', { duration: 60, steps: 1 }, { signal: abort.signal })
    abort.abort()
    await assert.rejects(long)
    assert.match(await call('echo', { message: 'still' }), /Echo: still/)
  })

  it('a legacy client uses a server of the modern era, through its restart', async (t) => {
    const build = (server: Parameters<NonNullable<NonNullable<Parameters<typeof startMcp>[0]>['build']>>[0]) =>
      server.registerTool('forecast', { inputSchema: z.object({}) }, () => text('sunny'))
    const first = await startMcp({ legacy: 'reject', build })
    await using place = await createServerFile({ modern: { url: first.url } })
    const { call, notices, errors } = await clientOf(t, place.daemon.url, 'modern')
    assert.match(await call('forecast'), /sunny/)

    await first.stop()
    await until(() => errors().includes('connection lost'))
    await using _ = await startMcp({ legacy: 'reject', build, port: first.port })
    await until(() => notices.includes('tools'))

    assert.match(await call('forecast'), /sunny/)
  })

  it('answers what was asked before the end of the input', async () => {
    await using server = await startMcp({ name: 'weather' })
    await using place = await createServerFile({ weather: { url: server.url } })
    const initialize = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    const messages = [
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      'no message',
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'forecast', arguments: {} } },
    ]
    const output = new PassThrough()
    const { code, err } = await running(['connect', 'weather', '--url', place.daemon.url], {
      input: () => Readable.from(messages.map((message) => Buffer.from(`${JSON.stringify(message)}\n`))),
      output: () => output,
    })

    assert.equal(code, 0)
    assert.match(err, /^weather: a line of the input is no message of JSON-RPC\n$/)
    const answers = String(output.read())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number })
    assert.deepEqual(
      answers.map(({ id }) => id),
      [1, 2],
    )
    assert.match(JSON.stringify(answers[1]), /sunny/)
  })

  it('fails with the reason for a server that is unknown or would be started here', async () => {
    await using place = await createServerFile({ local: { command: 'never-started' } })
    const connect = (server: string) => running(['connect', server, '--url', place.daemon.url])

    assert.match((await connect('none')).err, /none/)
    const refused = await connect('local')
    assert.deepEqual([refused.code, refused.err.includes('--allow-stdio')], [1, true])
  })
})
