import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectServers } from '../../../src/client/connect/index.ts'
import { startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

const publicly = { cacheHints: { 'server/discover': { cacheScope: 'public' as const, ttlMs: 60_000 } } }

describe('a fleet whose roster knows the protocol of a server', () => {
  it('connects without asking the server for it', async () => {
    await using server = await startMcp({ info: publicly })
    await using place = await createServerFile({ a: { url: server.url } })
    await place.daemon.ask('POST', '/servers/a/probe')
    const asked = server.countOf('server/discover')

    await using fleet = await connectServers({ roster: place.daemon.url })

    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
    assert.equal(fleet.get('a')?.era, 'modern')
    assert.equal(server.countOf('server/discover'), asked)
  })

  it('connects also where that is no longer true', async () => {
    await using first = await startMcp({ info: publicly })
    await using place = await createServerFile({ a: { url: first.url } })
    await place.daemon.ask('POST', '/servers/a/probe')
    await first.stop()
    let isLegacy = false
    await using older = await startMcp({
      port: first.port,
      intercept: (_, response, { method }) => {
        isLegacy ||= method === 'initialize'
        if (isLegacy || method === 'GET') return false
        response.writeHead(400).end()
        return true
      },
    })

    await using fleet = await connectServers({ roster: place.daemon.url })

    assert.equal(fleet.get('a')?.era, 'legacy')
    assert.equal(older.countOf('server/discover') > 0, true)
    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
  })
})
