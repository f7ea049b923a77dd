import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { temporary } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const revision = '2026-07-28'
const envelope = {
  'io.modelcontextprotocol/protocolVersion': revision,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const call = (id: unknown, fields: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'list_servers', arguments: fields },
})

const subscription = (uris: readonly string[], id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'subscriptions/listen',
  params: { notifications: { resourceSubscriptions: uris, resourcesListChanged: true }, _meta: envelope },
})

type Daemon = Awaited<ReturnType<typeof startHere>>

const post = (daemon: Daemon, body: unknown, signal?: AbortSignal) =>
  daemon.get('/mcp', {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...('method' in (body as object) &&
        (body as { method: string }).method === 'subscriptions/listen' && {
          'mcp-protocol-version': revision,
          'mcp-method': 'subscriptions/listen',
        }),
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

describe('the limits of the MCP endpoint', () => {
  it('quote what a client sent in part only', async () => {
    await using daemon = await startHere(memory)
    const long = 'x'.repeat(240_000)
    const tool = (name: string, fields: object) => ({ method: 'tools/call', params: { name, arguments: fields } })
    const messages = [
      tool(long, {}),
      tool('list_servers', { [long]: 1 }),
      tool('list_servers', Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key-${index}`, 1]))),
      tool('list_servers', { tag: Array.from({ length: 50_000 }, () => 1) }),
      tool('list_servers', { label_selector: long }),
      tool('list_servers', { label_selector: `${long}==,` }),
      tool('list_servers', { continue: long }),
      tool('list_servers', { namespace: long }),
      tool('get_server', { name: long }),
      tool('get_agent_status', { agent_id: long }),
      tool('unregister_agent', { agent_id: long }),
      tool('discover_services', { [long]: 1 }),
      tool('discover_services', { query: { [long]: 1 } }),
      tool('discover_services', { [long.slice(0, 60_000)]: 1 }),
      tool('discover_services', { version_constraint: long }),
      tool('discover_services', { labels: { [long]: 'x' } }),
      tool('discover_services', { status: long }),
      tool('list_capabilities', { [long]: 1 }),
      tool('list_capabilities', { version_constraint: long }),
      tool('register_agent', { registration_data: { id: long } }),
      tool('register_agent', { registration_data: { id: 'a', labels: { [long]: 5 } } }),
      tool('register_agent', { registration_data: { id: 'a', endpoint: long } }),
      tool('heartbeat', { agent_id: 'a', status: long }),
      { method: 'resources/read', params: { uri: `roster://servers/default/${long}` } },
      { method: 'resources/read', params: { uri: long } },
      { method: 'resources/list', params: { cursor: long } },
      { method: 'prompts/get', params: { name: long } },
      { method: 'completion/complete', params: { ref: { type: 'ref/resource', uri: long }, argument: {} } },
      { method: long },
      {
        method: 'initialize',
        params: { protocolVersion: long, capabilities: {}, clientInfo: { name: 'a', version: '1' } },
      },
      { method: 'logging/setLevel', params: { level: long } },
    ]

    for (const message of messages) {
      const text = await (await post(daemon, { jsonrpc: '2.0', id: 1, ...message })).text()
      assert.ok(text.length < 2000, `${JSON.stringify(message).slice(0, 120)}: ${text.length} ${text.slice(0, 300)}`)
    }
  })

  it('reject a batch of more than twenty messages', async () => {
    await using daemon = await startHere(memory)

    const small = await post(daemon, [call(1), call(2)])
    const large = await post(
      daemon,
      Array.from({ length: 21 }, (_, id) => call(id)),
    )

    assert.equal(small.status, 200)
    assert.equal(large.status, 400)
    assert.match(await large.text(), /"mcp_message_rejected".*21 messages.*at most 20/)
  })

  it('reject an id that is too long, as every event of a subscription would repeat it', async () => {
    await using daemon = await startHere(memory)
    const id = 'x'.repeat(300)

    for (const body of [call(id), [call(1), call(id)], subscription(['roster://servers/default/a'], id)]) {
      const response = await post(daemon, body)
      assert.equal(response.status, 400)
      assert.match(await response.text(), /"mcp_message_rejected".*id.*256 characters/)
    }
    assert.equal((await post(daemon, call('x'.repeat(256)))).status, 200)
  })

  it('reject a subscription to too many resources', async () => {
    await using daemon = await startHere(memory)

    const uris = Array.from({ length: 1000 }, (_, n) => `roster://servers/default/server-${n}`)
    const response = await post(daemon, subscription(uris))

    assert.equal(response.status, 400)
    assert.match(await response.text(), /"mcp_message_rejected".*resourceSubscriptions/)
  })

  it('answer a tool with an error and a remedy where its result is too large, also in sum', async () => {
    using folder = temporary()
    const server = { command: 'x', metadata: { text: 'x'.repeat(4000) } }
    const servers = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`s${n}`, server]))
    writeFileSync(folder.at('many.json'), JSON.stringify({ servers }))
    await using daemon = await startHere(
      `sources: [{ type: file, paths: [${folder.at('many.json')}] }]\nstore: { type: memory }\n`,
    )
    const all = { view: 'full', limit: 1000 }
    const some = { view: 'full', limit: 100 }

    const one = await (await post(daemon, call(1, all))).text()
    const several = await (await post(daemon, [call(1, some), call(2, some), call(3, some), call(4, some)])).text()

    assert.match(one, /"isError":true/)
    assert.match(one, /larger than 1048576 bytes.*limit/)
    assert.equal(several.match(/"isError":true/g)?.length, 2)
  })

  it('count subscriptions as watchers until they end', async () => {
    await using daemon = await startHere(`${memory}watch: { max_watchers: 2, max_watchers_per_address: 2 }\n`)
    const uris = ['roster://servers/default/a']
    const gone = new AbortController()

    const first = await post(daemon, subscription(uris))
    const second = await post(daemon, subscription(uris), gone.signal)
    const third = await post(daemon, subscription(uris))
    const watch = await daemon.get('/servers/watch')
    gone.abort()
    const reader = first.body?.getReader()
    await reader?.read()

    assert.deepEqual([first.status, second.status, third.status, watch.status], [200, 200, 503, 503])
    assert.match(await third.text(), /watcher_limit_reached/)
    await waitFor(async () => {
      const again = await post(daemon, subscription(uris))
      await again.body?.cancel()
      return again.status === 200
    })
    await reader?.cancel()
  })
})

async function waitFor(done: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + 10_000
  while (!(await done())) assert.ok(performance.now() < limit, 'timed out')
}
