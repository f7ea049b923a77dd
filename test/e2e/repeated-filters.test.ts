import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { running } from '../cli/command-runner.ts'
import { startHere } from '../in-process-daemon.ts'
import { temporary, until } from './daemon-process.ts'

type Listed = { servers: { name: string }[] }

/** Three servers of two files in three namespaces, and two agents. */
async function startDaemon() {
  const folder = temporary()
  const one = {
    a: { url: 'http://a.example/mcp', capabilities: ['forecast'] },
    b: { type: 'sse', url: 'http://b.example/sse', namespace: 'team' },
  }
  const other = { c: { command: 'x', namespace: 'lab', capabilities: ['route', 'map'] } }
  writeFileSync(folder.at('one.json'), JSON.stringify({ servers: one }))
  writeFileSync(folder.at('other.json'), JSON.stringify({ servers: other }))
  const daemon = await startHere(
    `health: { enabled: false }\nstore: { type: memory }\nsources:\n  - { type: file, name: one, paths: [one.json] }\n  - { type: file, name: other, paths: [other.json] }\n  - { type: agents }\n`,
    { folder },
  )
  await daemon.ask('POST', '/agents', { id: 'planner', capabilities: ['plan'] })
  await daemon.ask('POST', '/agents', { id: 'writer', namespace: 'team', capabilities: ['write'] })
  return {
    ...daemon,
    names: async (path: string) => {
      const { status, body, text } = await daemon.ask<Listed>('GET', path)
      assert.equal(status, 200, text)
      return body.servers
        .map(({ name }) => name)
        .toSorted()
        .join()
    },
    callTool: (name: string, args: object) =>
      daemon.get('/mcp', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
      }),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** The ids of servers in a text that holds JSON, escaped or not. */
function idsIn(text: string): string[] {
  const ids = new Set([...text.matchAll(/"id\\?":\\?"([^"\\]+)/g)].map(([, id = '']) => id))
  return [...ids].toSorted((a, b) => a.localeCompare(b))
}

describe('a filter that is given several times', () => {
  it('selects the servers with any of its values', async () => {
    await using daemon = await startDaemon()

    assert.equal(await daemon.names('/servers?source=one&source=other'), 'a,b,c')
    assert.equal(await daemon.names('/servers?source=one,other&type=sse&type=stdio'), 'b,c')
    assert.equal(await daemon.names('/servers?namespace=team&namespace=lab&source=one&source=other'), 'b,c')
    assert.equal(await daemon.names('/servers?capability=route&capability=forecast'), 'a,c')
    assert.equal(await daemon.names('/servers?capability=plan&capability=*&q=planner'), 'planner')
    assert.equal(await daemon.names('/servers?name=c&namespace=default&namespace=lab'), 'c')
    assert.equal(await daemon.names('/servers?status=unknown&status=pending&type=stdio&source=other'), 'c')
    const { status, body } = await daemon.ask('GET', '/servers?type=http&type=pigeon')
    assert.deepEqual([status, body['parameter']], [400, 'type'])
  })

  it('does so in every other list, in watches and on the command line', async () => {
    await using daemon = await startDaemon()
    const keysOf = async (path: string) =>
      Object.keys((await daemon.ask<{ servers: object }>('GET', path)).body.servers).join()
    assert.equal(await keysOf('/discover?namespace=team&namespace=lab&source=one&source=other'), 'lab/c,team/b')
    const { body: targets } = await daemon.ask<{ targets: string[] }[]>(
      'GET',
      '/sd/prometheus?source=one&source=other&type=http&type=sse',
    )
    assert.deepEqual(targets.flatMap((target) => target.targets).toSorted(), ['a.example:80', 'b.example:80'])
    const agents = await daemon.ask<{ agents: { id: string }[] }>(
      'GET',
      '/agents?namespace=default&namespace=team&capability=plan&capability=write&status=',
    )
    assert.deepEqual(agents.body.agents.map(({ id }) => id).toSorted(), ['planner', 'writer'])
    const capabilities = await daemon.ask<{ capabilities: { name: string }[] }>(
      'GET',
      '/capabilities?name=pla&name=rite&agent_namespace=team&agent_namespace=default&agent_status=',
    )
    assert.deepEqual(capabilities.body.capabilities.map(({ name }) => name).toSorted(), ['plan', 'write'])
    await until(async () => {
      const events = await daemon.ask<{ events: { type: string; agent_id?: string; source?: string }[] }>(
        'GET',
        '/events?type=register&type=reload&type=added&source=agents&source=one&namespace=default&namespace=team',
      )
      const found = events.body.events.map(({ type, agent_id }) => `${type} ${agent_id ?? ''}`.trim()).toSorted()
      return found.join() === 'registered planner,registered writer'
    })
    const called = await daemon.callTool('list_servers', {
      source: ['one', 'other'],
      type: ['stdio', 'sse'],
      fields: ['id'],
    })
    assert.deepEqual(idsIn(await called.text()), ['lab/c', 'team/b'])
    const stream = await daemon.get('/servers?watch=true&type=sse&type=stdio&source=one&source=other')
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail()
    let text = ''
    while (!text.includes('BOOKMARK')) text += (await reader.read()).value ?? assert.fail('the watch ended')
    await reader.cancel()
    assert.deepEqual(idsIn(text), ['lab/c', 'team/b'])
    const { out } = await running([
      'list',
      '-o',
      'name',
      '-n',
      'team',
      '-n',
      'lab',
      '--type',
      'sse',
      '--type',
      'stdio',
      '--source',
      'one',
      '--source',
      'other',
      '--url',
      daemon.url,
    ])
    assert.equal(out, 'lab/c\nteam/b\n')
  })

  it('selects the agents with any of its values in the tools of MCP', async () => {
    await using daemon = await startDaemon()
    const found = async (tool: string, fields: object) => {
      const { status, text } = await daemon.ask('POST', `/mcp/tools/${tool}`, fields)
      assert.equal(status, 200, text)
      const called = await daemon.callTool(tool, fields)
      const answer = await called.text()
      assert.doesNotMatch(answer, /isError/)
      return [...new Set(answer.match(/planner|writer/g))].toSorted().join()
    }
    const any = ['pending', 'healthy', 'unknown']

    for (const wrap of [(fields: object) => fields, (query: object) => ({ query })]) {
      const discover = (fields: object) => found('discover_services', wrap(fields))
      assert.equal(await discover({ namespace: ['default', 'team'], status: any }), 'planner,writer')
      assert.equal(await discover({ namespace: ['team', 'lab'], status: any }), 'writer')
      assert.equal(await discover({ capability: ['plan', 'write'], status: any }), 'planner,writer')
      assert.equal(await discover({ namespace: 'team', status: 'healthy' }), 'writer')
      assert.equal(await discover({ status: ['pending', 'offline'] }), '')
    }
  })

  it('selects the capabilities with any of its values in MCP', async () => {
    await using daemon = await startDaemon()
    const called = await daemon.callTool('list_capabilities', {
      name: ['pla', 'rite'],
      agent_namespace: ['team', 'default'],
      agent_status: ['pending', 'healthy'],
    })

    const text = await called.text()

    assert.doesNotMatch(text, /isError/)
    assert.deepEqual([...new Set(text.match(/planner|writer/g))].toSorted(), ['planner', 'writer'])
  })
})
