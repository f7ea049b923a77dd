import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { McpServer } from '@modelcontextprotocol/server'
import { AgentError, createAgent } from '../../../src/client/agent/index.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { callTool } from './call-tool.ts'

/** A daemon, with agents that beat fast. */
async function openMesh() {
  const opened = new AsyncDisposableStack()
  const daemon = opened.use(await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n'))
  return {
    daemon,
    agent: (id: string) => opened.use(createAgent({ id, roster: daemon.url, health_interval: 0.1, signals: false })),
    client: async (url: string | undefined, mode: 'auto' | 'legacy') => {
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
      await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url)))
      opened.defer(async () => await client.close())
      return client
    },
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  }
}

type Mesh = Awaited<ReturnType<typeof openMesh>>

/** An agent whose tool `wait` tells of its calls, and waits until it is aborted. */
async function startWaiting(mesh: Mesh) {
  const entered = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  const provider = mesh.agent('provider')
  provider.tool('wait', {}, async (_args, _injected, { mcpReq }) => {
    entered.resolve()
    await once(mcpReq.signal, 'abort')
    aborted.resolve()
  })
  await provider.start()
  return { entered: entered.promise, aborted: aborted.promise }
}

describe('a call that a tool makes', () => {
  for (const mode of ['auto', 'legacy'] as const)
    for (const form of ['a tool of its own', 'a wrapped server'])
      it(`ends when the caller of the tool leaves: ${form}, era ${mode}`, async () => {
        await using mesh = await openMesh()
        const { entered, aborted } = await startWaiting(mesh)
        const failed = Promise.withResolvers<unknown>()
        const consumer = mesh.agent('consumer')
        const use = async () => await consumer.injected()['wait']?.().catch(failed.resolve)
        if (form === 'a wrapped server')
          consumer.wrap(
            () => {
              const server = new McpServer({ name: 'wrapped', version: '1' })
              server.registerTool('use', {}, async () => ({ content: [{ type: 'text', text: String(await use()) }] }))
              return server
            },
            { use: { dependencies: ['wait'] } },
          )
        else consumer.tool('use', { dependencies: ['wait'] }, use)
        await consumer.start()
        await until(() => consumer.dependenciesOf('use')['wait'] ?? undefined)
        const client = await mesh.client(consumer.url, mode)
        const leaving = new AbortController()

        const call = client.callTool({ name: 'use', arguments: {} }, { signal: leaving.signal }).catch(() => 'left')
        await entered
        // Those of the older era send a notice, which a server without sessions cannot assign to a call.
        await (mode === 'legacy' ? client.close() : leaving.abort())

        assert.equal(await call, 'left')
        await aborted
        const error = await failed.promise
        assert.ok(error instanceof AgentError && error.code === 'call_aborted', String(error))
      })

  it('goes on after the tool has answered', async () => {
    await using mesh = await openMesh()
    const released = Promise.withResolvers<string>()
    const provider = mesh.agent('provider')
    provider.tool('slow', {}, () => released.promise)
    await provider.start()
    const consumer = mesh.agent('consumer')
    const results: unknown[] = []
    consumer.tool('begin', { dependencies: ['slow'] }, (_args, { slow }) => {
      results.push(slow?.().catch((error: unknown) => error))
      return 'begun'
    })
    await consumer.start()
    await until(() => consumer.dependenciesOf('begin')['slow'] ?? undefined)

    assert.equal(await callTool(consumer.url, 'begin'), 'begun')
    released.resolve('done')

    assert.equal(await results[0], 'done')
  })

  it('is refused where sixteen are nested: dependencies in a circle end, and leave no call behind', async () => {
    await using mesh = await openMesh()
    let calls = 0
    let open = 0
    const codes: unknown[] = []
    const agentOf = (id: string, other: string) => {
      const agent = mesh.agent(id)
      agent.tool(`${id}_f`, { dependencies: [{ capability: `${other}_f`, as: 'other' }] }, async (_args, { other }) => {
        calls += 1
        open += 1
        try {
          return await other?.()
        } catch (error) {
          codes.push((error as AgentError).code)
          throw error
        } finally {
          open -= 1
        }
      })
      return agent
    }
    const [one, two] = [agentOf('one', 'two'), agentOf('two', 'one')]
    await one.start()
    await two.start()
    await until(() => one.dependenciesOf('one_f')['other'] ?? undefined)

    const text = await callTool(one.url, 'one_f')

    assert.match(text, /"other" cannot be called: 16 calls are nested already; the dependencies form a circle/)
    assert.deepEqual([calls, open], [17, 0])
    assert.equal(codes[0], 'call_too_deep')
  })
})
