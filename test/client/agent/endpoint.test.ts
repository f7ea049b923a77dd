import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { type AgentOptions, createAgent } from '../../../src/client/agent/index.ts'
import { startHere } from '../../in-process-daemon.ts'
import { callTool } from './call-tool.ts'

/** A daemon and one agent, which the test gives its tools before `start`. */
async function openAgent(options: Partial<AgentOptions> = {}) {
  const opened = new AsyncDisposableStack()
  const daemon = opened.use(await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n'))
  const agent = opened.use(createAgent({ id: 'agent', roster: daemon.url, signals: false, ...options }))
  return { daemon, agent, [Symbol.asyncDispose]: async () => await opened.disposeAsync() }
}

/** Status and body of a POST to an agent, with headers that `fetch` does not allow. */
async function post(
  url: string | undefined,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; text: string }> {
  const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
  const sent = request(new URL('/mcp', url), { method: 'POST', headers: all }).end(body)
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, text: Buffer.concat(await response.toArray()).toString() }
}

const listTools = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

describe('the endpoint of an agent', () => {
  it('refuses hosts and web pages that it does not know, and takes those that it was told', async () => {
    await using mesh = await openAgent({ hosts: ['agent.example'], origins: ['app.example'] })
    await mesh.agent.start()
    const { url } = mesh.agent

    const rebound = await post(url, { host: 'evil.example' }, listTools)
    const page = await post(url, { origin: 'https://evil.example' }, listTools)
    const known = await post(url, { host: 'agent.example:80', origin: 'https://app.example' }, listTools)

    assert.equal(rebound.status, 403)
    assert.match(rebound.text, /the host \\"evil.example\\" is not a name of this agent: add it to \\"hosts\\"/)
    assert.equal(page.status, 403)
    assert.equal(known.status, 200)
  })

  it('refuses a request that is larger than allowed', async () => {
    await using mesh = await openAgent({ max_request_bytes: 1000 })
    await mesh.agent.start()

    assert.equal((await post(mesh.agent.url, {}, listTools.replace('}', ' '.repeat(2000) + '}'))).status, 413)
  })

  it('checks arguments by zod, by any Standard Schema and by JSON Schema', async () => {
    await using mesh = await openAgent()
    const { agent } = mesh
    const even = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          Number((value as { n: unknown }).n) % 2 === 0 ? { value } : { issues: [{ message: 'n is odd' }] },
      },
    } as const
    agent.tool('zod', { schema: z.object({ n: z.coerce.number() }) }, ({ n }) => n + 1)
    agent.tool('standard', { schema: even }, () => 'even')
    agent.tool('json', { schema: { type: 'object', required: ['n'] } }, ({ n }) => `n is ${String(n)}`)
    await agent.start()

    assert.equal(await callTool(agent.url, 'zod', { n: '4' }), '5')
    assert.match(await callTool(agent.url, 'zod', { n: {} }), /Input validation error/)
    assert.equal(await callTool(agent.url, 'standard', { n: 2 }), 'even')
    assert.match(await callTool(agent.url, 'standard', { n: 3 }), /n is odd/)
    assert.equal(await callTool(agent.url, 'json', { n: 1 }), 'n is 1')
    assert.match(await callTool(agent.url, 'json'), /Input validation error/)
  })

  it('is registered with the address that others reach it by', async () => {
    await using mesh = await openAgent({ endpoint: 'https://edge.example/team/agent/mcp' })
    await mesh.agent.start()

    const { body } = await mesh.daemon.ask('GET', '/agents/agent')

    assert.equal(body['endpoint'], 'https://edge.example/team/agent')
  })

  it('says which port is taken', async () => {
    await using mesh = await openAgent()
    await mesh.agent.start()
    const { port } = new URL(String(mesh.agent.url))
    await using second = createAgent({ id: 'second', roster: mesh.daemon.url, port: Number(port), signals: false })

    await assert.rejects(second.start(), {
      code: 'port_taken',
      message: new RegExp(`port ${port} of 127.0.0.1 is taken`),
    })
  })

  it('names an invalid option', () => {
    assert.throws(() => createAgent({ id: '' }), { code: 'invalid_option', message: /"id" is needed/ })
    assert.throws(() => createAgent({ id: 'a', roster: 'roster' }), /"roster" must be a URL .* not "roster"/)
    assert.throws(() => createAgent({ id: 'a', port: 70_000 }), /"port" must be a number from 0 to 65535, not 70000/)
    const agent = createAgent({ id: 'a' })
    assert.throws(() => agent.tool('a b', {}, () => 1), /the name of a tool must be .*, not "a b"/)
    assert.throws(() => agent.tool('a', { dependencies: ['b', 'b'] }, () => 1), /two dependencies named "b"/)
  })
})

describe('an MCP server that an agent wraps', () => {
  const createServer = (told: () => unknown): McpServer => {
    const server = new McpServer({ name: 'existing', version: '3.0.0' })
    server.registerTool(
      'who',
      { description: 'Says who.', inputSchema: z.object({ n: z.number() }) },
      async ({ n }) => ({
        content: [{ type: 'text', text: `${n} ${String(await told())}` }],
      }),
    )
    server.registerPrompt('p', {}, () => ({ messages: [] }))
    return server
  }

  for (const form of ['one server', 'a function']) {
    it(`answers calls side by side with the dependencies of its tools: ${form}`, async () => {
      await using mesh = await openAgent({ health_interval: 0.1 })
      const { agent, daemon } = mesh
      await using clock = createAgent({ id: 'clock', roster: daemon.url, signals: false })
      clock.tool('now', { capability: 'clock' }, () => 7)
      await clock.start()
      const make = () => createServer(() => agent.injected()['clock']?.())
      agent.wrap(form === 'a function' ? make : make(), { who: { capability: 'identity', dependencies: ['clock'] } })
      await agent.start()

      const texts = await Promise.all([1, 2, 3].map((n) => callTool(agent.url, 'who', { n })))

      assert.deepEqual(texts, ['1 7', '2 7', '3 7'])
      const { body } = await daemon.ask<{ capabilities: { name: string; description: string }[] }>(
        'GET',
        '/agents/agent',
      )
      assert.deepEqual(
        body.capabilities.map(({ name, description }) => [name, description]),
        [['identity', 'Says who.']],
      )
    })
  }

  it('has every tool that is described', async () => {
    await using mesh = await openAgent()
    mesh.agent.wrap(
      createServer(() => 1),
      { whom: { capability: 'identity' } },
    )

    await assert.rejects(mesh.agent.start(), /the wrapped server has no tool named "whom"/)
  })
})
