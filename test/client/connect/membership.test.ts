import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { connectServers } from '../../../src/client/connect/index.ts'
import { temporary } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { readEvents } from './event-reader.ts'
import { startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

const quiet = { health_check: 'none' }

describe('the members of a fleet', () => {
  it('follow the registry: new servers are connected, removed and disabled ones are not', async () => {
    await using server = await startMcp()
    const { url } = server
    await using place = await createServerFile({ a: { url, ...quiet }, b: { url, ...quiet, enabled: false } })
    await using fleet = await connectServers({ roster: place.daemon.url })
    const events = readEvents(fleet)
    assert.deepEqual(fleet.active, ['default/a'])
    assert.equal(fleet.get('b')?.reason, 'disabled')

    place.write({ b: { url, ...quiet }, c: { url, ...quiet } })
    await events.next('disconnected', 'default/a')
    while (fleet.active.length < 2) await events.next('connected')
    assert.deepEqual(fleet.active.toSorted(), ['default/b', 'default/c'])
    assert.deepEqual([...fleet.connections.keys()].toSorted(), ['default/b', 'default/c'])

    place.write({ b: { url, ...quiet }, c: { url, ...quiet, enabled: false } })
    await events.next('disconnected', 'default/c')
    await assert.rejects(fleet.call('forecast', {}, { server: 'c' }), { code: 'failed', message: /disabled/ })
  })

  it('keep their session when only their description changes, and finish their calls when they leave', async () => {
    const answered = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    await using server = await startMcp({
      build: (made) =>
        made.registerTool('slow', {}, async () => (asked.resolve(), await answered.promise, text('done'))),
    })
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url })
    const events = readEvents(fleet)
    const since = fleet.get('a')?.connected_at

    place.write({ a: { url: server.url, ...quiet, tags: ['geo'] }, b: { url: server.url, ...quiet } })
    await events.next('connected', 'default/b')
    assert.deepEqual(fleet.get('a')?.server.tags, ['geo'])
    assert.equal(fleet.get('a')?.connected_at, since)
    const call = fleet.call('slow', {}, { server: 'a' })
    await asked.promise
    place.write({ b: { url: server.url, ...quiet } })
    await events.next('disconnected', 'default/a')
    answered.resolve()

    assert.deepEqual((await call).content, text('done').content)
  })

  it('stay as they are while the roster is away, and follow it again when it is back', async () => {
    await using server = await startMcp()
    using folder = temporary()
    const file = folder.at('servers.json')
    const config = `sources: [{ type: file, paths: [${file}] }]`
    writeFileSync(file, JSON.stringify({ servers: { a: { url: server.url, ...quiet } } }))
    const first = await startHere(config, { folder })
    await using fleet = await connectServers({ roster: { url: first.url, maxPauseMs: 100 } })
    const events = readEvents(fleet)

    await first[Symbol.asyncDispose]()
    await events.next('roster_lost')
    assert.deepEqual(fleet.active, ['default/a'])
    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
    const port = Number(new URL(first.url).port)
    writeFileSync(
      file,
      JSON.stringify({ servers: { a: { url: server.url, ...quiet }, b: { url: server.url, ...quiet } } }),
    )
    await using second = await startHere(config, { folder, port })
    await events.next('roster_back')
    await events.next('connected', 'default/b')
    assert.equal((await second.get('/health')).status, 200)

    assert.ok(!events.typesOf('default/a').includes('lost'))
  })

  it('can be connected and disconnected by name and by all of their tags', async () => {
    await using server = await startMcp()
    const { url } = server
    await using place = await createServerFile({
      a: { url, ...quiet, tags: ['geo', 'free'] },
      b: { url, ...quiet, tags: ['geo'] },
      c: { command: 'never-run', tags: ['geo', 'free'] },
    })
    await using fleet = await connectServers({ roster: place.daemon.url, lazy: true })
    assert.deepEqual(fleet.active, [])

    assert.deepEqual(await fleet.connectAll({ tags: ['geo', 'free'] }), ['default/a'])
    assert.equal(await fleet.connect('b'), true)
    await fleet.disconnect('a')
    assert.deepEqual(fleet.active, ['default/b'])
    assert.deepEqual(await fleet.reconnect(), ['default/b'])
    assert.equal(await fleet.connect('c'), false)
    assert.match(fleet.get('c')?.reason ?? '', /commands are not run here/)
    await assert.rejects(fleet.connect('unknown'), { code: 'no_server' })
  })

  it('are connected by the first call that needs them in a lazy fleet', async () => {
    await using server = await startMcp()
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url, lazy: true })

    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
    assert.deepEqual(fleet.active, ['default/a'])
  })

  it('are connected at their new address, also while the old one does not answer', async () => {
    await using silent = await startMcp({ intercept: () => true })
    await using server = await startMcp()
    await using place = await createServerFile({ a: { url: silent.url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url, lazy: true })

    const connected = fleet.connect('a')
    place.write({ a: { url: server.url, ...quiet } })

    assert.equal(await connected, true)
    assert.ok(server.countOf('tools/list') > 0)
  })

  it('get no call after disconnect, unless it names them', async () => {
    await using server = await startMcp()
    await using place = await createServerFile({ a: { url: server.url, ...quiet, capabilities: ['forecast'] } })
    await using fleet = await connectServers({ roster: place.daemon.url })

    await fleet.disconnect('a')

    await assert.rejects(fleet.call('forecast'), { code: 'no_server' })
    assert.deepEqual((await fleet.call('forecast', {}, { server: 'a' })).content, text('sunny').content)
    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
  })

  it('do not exist where the query is invalid', async () => {
    await using place = await createServerFile({})

    await assert.rejects(connectServers({ roster: place.daemon.url, query: { label_selector: '((' } }), { status: 400 })
  })
})
