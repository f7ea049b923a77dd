import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { connectServers } from '../../../src/client/connect/index.ts'
import { readEvents } from './event-reader.ts'
import { startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

const quiet = { health_check: 'none' }
const namesIn = (fleet: { toolList: () => readonly { name: string }[] }) => fleet.toolList().map(({ name }) => name)

describe('the tools of a fleet', () => {
  it('follow what a server tells of its changes, and keep their order', async () => {
    const tools = ['first', 'second']
    await using server = await startMcp({
      build: (made) => void tools.map((name) => made.registerTool(name, {}, () => text(name))),
    })
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url })
    const events = readEvents(fleet)
    assert.deepEqual(namesIn(fleet), ['a__first', 'a__second'])
    while (server.countOf('subscriptions/listen') === 0) await new Promise(setImmediate)

    tools.splice(0, 2, 'third', 'second')
    server.handler.notify.toolsChanged()

    assert.equal((await events.next('tools_changed')).reason, '1 added, 1 removed, 0 changed')
    assert.deepEqual(namesIn(fleet), ['a__second', 'a__third'])
    await assert.rejects(fleet.call('first'), { code: 'no_server' })
  })

  it('are read again after their time where a server tells nothing, also if they differ at each reading', async () => {
    let reading = 0
    await using server = await startMcp({
      intercept: (_, response, { method, id }) => {
        if (method !== 'tools/list' && method !== 'subscriptions/listen') return false
        if (method === 'subscriptions/listen') response.writeHead(404).end()
        if (method === 'subscriptions/listen') return true
        const tools = [{ name: `tool_${(reading += 1)}`, inputSchema: { type: 'object' } }]
        const result = { tools, resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
        return true
      },
    })
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url, toolsTtlMs: 1 })
    const events = readEvents(fleet)

    await events.next('tools_changed')

    assert.deepEqual(namesIn(fleet), [`a__tool_${reading}`])
    assert.equal(fleet.stats().tools, 1)
  })

  it('are read again where a server does not know one of them any more', async () => {
    const tools = ['first']
    await using server = await startMcp({
      build: (made) => void tools.map((name) => made.registerTool(name, {}, () => text(name))),
    })
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url })
    const events = readEvents(fleet)

    tools.splice(0, 1, 'second')
    await assert.rejects(fleet.call('first'), { code: 'answered' })
    await events.next('tools_changed')

    assert.deepEqual(namesIn(fleet), ['a__second'])
  })

  it('are bounded: of 12,000 that a server lists in pages, 10,000 are kept', async () => {
    await using server = await startMcp({
      intercept: (_, response, { method, id, params }) => {
        if (method !== 'tools/list') return false
        const page = Number(params?.cursor ?? 0)
        const tools = Array.from({ length: 1000 }, (_, at) => ({
          name: `t${page * 1000 + at}`,
          inputSchema: { type: 'object' },
        }))
        const result = {
          tools,
          resultType: 'complete',
          ttlMs: 0,
          cacheScope: 'private',
          ...(page < 11 ? { nextCursor: String(page + 1) } : {}),
        }
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
        return true
      },
    })
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url })

    assert.equal(fleet.toolList().length, 10_000)
    assert.equal(server.countOf('tools/list'), 10)
  })

  it('of one name with other schemas get the calls whose arguments fit', async () => {
    const withArgument = (name: string, argument: string) => (made: McpServer) =>
      made.registerTool('forecast', { inputSchema: z.strictObject({ [argument]: z.string() }) }, () => text(name))
    await using first = await startMcp({ build: withArgument('by city', 'city') })
    await using second = await startMcp({ build: withArgument('by place', 'place') })
    await using place = await createServerFile({ a: { url: first.url, ...quiet }, b: { url: second.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url })

    for (let call = 0; call < 4; call += 1) {
      assert.deepEqual((await fleet.call('forecast', { city: 'Bern' })).content, text('by city').content)
      assert.deepEqual((await fleet.call('forecast', { place: 'Bern' })).content, text('by place').content)
    }
  })
})
