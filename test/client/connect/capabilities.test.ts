import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { createAgent } from '../../../src/client/agent/index.ts'
import { connectServers } from '../../../src/client/connect/index.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

const agents = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const quiet = { health_check: 'none' }
const answerOf = ({ content }: { readonly content: readonly object[] }) => content.map((part) => Object(part).text)

/** Two functions of one capability, which take different arguments. */
function hearing(server: McpServer): void {
  server.registerTool('hail', { inputSchema: z.strictObject({ ship: z.string() }) }, ({ ship }) => text(`ahoy ${ship}`))
  server.registerTool('greet', { inputSchema: z.strictObject({ who: z.string() }) }, ({ who }) => text(`hi ${who}`))
}

const greetings = ['gone', 'hail', 'greet'].map((function_name) => ({ name: 'greeting', function_name }))

for (const lazy of [false, true]) {
  describe(`a ${lazy ? 'lazy' : 'connected'} fleet`, () => {
    it('calls the tool that carries out a capability of another name, before and after it read the list', async () => {
      await using daemon = await startHere(agents)
      await using agent = createAgent({ id: 'greeter', roster: daemon.url, signals: false })
      agent.tool('greet', { capability: 'greeting' }, () => 'hi')
      await agent.start()
      await using fleet = await connectServers({ roster: daemon.url, lazy })

      for (const name of ['greeting', 'greet', 'greeting', 'greeter__greet'])
        assert.deepEqual(answerOf(await fleet.call(name, {})), ['hi'], name)
      assert.deepEqual(answerOf(await fleet.call('greeting', {}, { server: 'greeter' })), ['hi'])
      assert.deepEqual(
        fleet.toolList().map(({ name }) => name),
        ['greeter__greet'],
      )
    })

    it('calls an agent of a published runtime by its capability', async () => {
      await using daemon = await startHere(agents)
      await using server = await startMcp({
        build: (made) => made.registerTool('get_date', {}, () => text('today')),
      })
      const tools = [{ function_name: 'get_date', capability: 'date_service', version: '1.2.0', tags: ['system'] }]
      const place = { http_host: '127.0.0.1', http_port: server.port }
      await daemon.ask('POST', '/heartbeat', { agent_id: 'prov-1', runtime: 'python', ...place, tools })
      await using fleet = await connectServers({ roster: daemon.url, lazy })

      assert.deepEqual(answerOf(await fleet.call('date_service', {})), ['today'])
    })

    it('calls the function by its own name first, where only the registration says that it exists', async () => {
      await using daemon = await startHere(agents)
      await using agent = createAgent({ id: 'greeter', roster: daemon.url, signals: false })
      agent.tool('greet', { capability: 'greeting' }, () => 'hi')
      await agent.start()
      await using fleet = await connectServers({ roster: daemon.url, lazy })

      assert.deepEqual(answerOf(await fleet.call('greet', {})), ['hi'])
      assert.equal(fleet.stats().errors, 0)
    })

    it('calls the first function of a capability that exists and takes the arguments', async () => {
      await using server = await startMcp({ build: hearing })
      await using place = await createServerFile({ a: { url: server.url, ...quiet, capabilities: greetings } })
      await using fleet = await connectServers({ roster: place.daemon.url, lazy })

      assert.deepEqual(answerOf(await fleet.call('greeting', { who: 'bob' })), ['hi bob'])
      assert.deepEqual(answerOf(await fleet.call('greeting', { ship: 'Ada' })), ['ahoy Ada'])
      assert.deepEqual(answerOf(await fleet.call('greeting', { who: 'eve' })), ['hi eve'])
      assert.equal(fleet.stats().errors, 0)
    })

    it('calls the tool of a name rather than a capability of that name', async () => {
      await using server = await startMcp({ build: hearing })
      const capabilities = [{ name: 'hail', function_name: 'greet' }]
      await using place = await createServerFile({ a: { url: server.url, ...quiet, capabilities } })
      await using fleet = await connectServers({ roster: place.daemon.url, lazy })

      assert.deepEqual(answerOf(await fleet.call('hail', { ship: 'Ada' })), ['ahoy Ada'])
    })

    it('finds every server of a capability, whatever its tool is called there', async () => {
      await using one = await startMcp({ build: (made) => made.registerTool('greet', {}, () => text('one')) })
      await using two = await startMcp({ build: (made) => made.registerTool('greeting', {}, () => text('two')) })
      const capabilities = [{ name: 'greeting', function_name: 'greet' }]
      await using place = await createServerFile({
        one: { url: one.url, ...quiet, capabilities },
        two: { url: two.url, ...quiet, capabilities: ['greeting'] },
      })
      await using fleet = await connectServers({ roster: place.daemon.url, lazy, strategy: 'round_robin' })

      const answers = [await fleet.call('greeting'), await fleet.call('greeting')].flatMap(answerOf)

      assert.deepEqual(new Set(answers), new Set(['one', 'two']))
    })
  })
}

describe('a fleet', () => {
  it('follows the registry to another function of a capability', async () => {
    await using server = await startMcp({
      build: (made) => ['first', 'second'].map((name) => made.registerTool(name, {}, () => text(name))),
    })
    const carriedBy = (function_name: string) => ({
      a: { url: server.url, ...quiet, capabilities: [{ name: 'turn', function_name }] },
    })
    await using place = await createServerFile(carriedBy('first'))
    await using fleet = await connectServers({ roster: place.daemon.url })
    assert.deepEqual(answerOf(await fleet.call('turn')), ['first'])

    place.write(carriedBy('second'))
    await until(async () => answerOf(await fleet.call('turn'))[0] === 'second')

    assert.equal(fleet.stats().errors, 0)
  })

  it('asks for the loads of all servers that offer a name, as tool or as capability', async () => {
    await using daemon = await startHere(agents)
    await using busy = createAgent({ id: 'busy', roster: daemon.url, signals: false })
    await using idle = createAgent({ id: 'idle', roster: daemon.url, signals: false })
    for (const agent of [busy, idle]) {
      agent.tool('greet', { capability: 'greeting' }, () => (agent === busy ? 'busy' : 'idle'))
      await agent.start()
      const load = agent === busy ? 0.9 : 0.1
      const id = agent === busy ? 'busy' : 'idle'
      await daemon.ask('POST', '/heartbeat', { agent_id: id, status: 'healthy', metadata: { load } })
    }

    for (const name of ['greet', 'greeting']) {
      await using fleet = await connectServers({ roster: daemon.url, strategy: 'least_load' })
      for (let turn = 0; turn < 4; turn += 1) assert.deepEqual(answerOf(await fleet.call(name)), ['idle'], name)
    }
  })
})
