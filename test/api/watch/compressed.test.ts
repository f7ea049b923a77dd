import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { limits, serveWatch, summaryOf, untilTrue, type WatchEvent } from './watch-server.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0
const gzip = { 'accept-encoding': 'gzip' }
const servers = (count: number, length: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `s${index}`, description: 'weather '.repeat(length / 8) }))

/** Opens a compressed watch and reads nothing of it. */
function openUnread(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /servers/watch HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n')
  return socket.pause()
}

describe('a compressed watch', () => {
  for (const [accepted, encoding] of [
    ['gzip', 'gzip'],
    ['br, zstd, gzip;q=0.1', 'gzip'],
    ['*', 'gzip'],
    ['br, zstd', undefined],
    ['gzip;q=0, *', undefined],
    ['gzip;q=0.5, identity;q=1', undefined],
    ['identity', undefined],
  ] as const)
    it(`is sent ${encoding ? 'in gzip' : 'as it is'} to a client that accepts "${accepted}"`, async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a', description: 'weather '.repeat(100) })

      const watcher = await daemon.follow('/servers/watch', { 'accept-encoding': accepted })

      assert.equal(watcher.headers['content-encoding'], encoding)
      assert.match(watcher.headers.vary ?? '', /\bAccept-Encoding\b/)
      assert.deepEqual(summaryOf(await watcher.upTo('BOOKMARK')), ['ADDED a', 'BOOKMARK'])
    })

  for (const path of ['/servers/watch', '/servers?watch=true'])
    it(`shows every event of ${path} at once, and ends as a whole gzip stream`, async () => {
      await using daemon = await serveWatch({ heartbeatMs: 40, bookmarkMs: 60 })
      daemon.put(...servers(300, 800))
      const watcher = await daemon.follow(path, gzip)
      assert.equal((await watcher.upTo('BOOKMARK')).length, 301)

      for (const count of [1, 5, 300]) {
        const description = `rain ${count}`.repeat(1000)
        daemon.put(...Array.from({ length: count }, (_, index) => ({ name: `s${index}`, description })))
        // Bookmarks come between them whenever it is quiet.
        const modified = () => watcher.events.filter(({ type }) => type === 'MODIFIED')
        await watcher.until(() => modified().length >= count, `${count} events`)
        const events = modified()
        watcher.events.splice(0)
        assert.deepEqual(new Set(events.map(({ server }) => server?.['description'])), new Set([description]))
        assert.equal(events.length, count)
      }
      await daemon.watch.close()
      await watcher.until(watcher.ended, 'the end')

      assert.equal(watcher.events.at(-1)?.type, 'CLOSED')
      assert.deepEqual(watcher.failures, [])
    })

  it('sends the same servers to the only watcher of each of several selections', async () => {
    await using daemon = await serveWatch()
    daemon.put(...servers(201, 80))

    for (const selector of ['!a', '!b', '!c']) {
      const watcher = await daemon.follow(`/servers/watch?label_selector=${selector}`, gzip)
      assert.equal((await watcher.upTo('BOOKMARK')).length, 202)
    }
  })

  it('is read by curl, each event as soon as it arrives', { skip: !hasCurl && 'no curl here' }, async () => {
    await using daemon = await serveWatch()
    daemon.put({ name: 'a', description: 'weather '.repeat(100) })
    using curl = spawn('curl', ['-sSN', '--compressed', `http://127.0.0.1:${daemon.port}/servers?watch=true`])
    const lines = createInterface(curl.stdout)[Symbol.asyncIterator]()
    const next = async () => summaryOf([JSON.parse((await lines.next()).value as string) as WatchEvent])

    assert.deepEqual([...(await next()), ...(await next())], ['ADDED a', 'BOOKMARK'])
    for (const name of ['b', 'c']) {
      daemon.put({ name, description: 'weather '.repeat(100) })
      assert.deepEqual(await next(), [`ADDED ${name}`])
    }
    const ended = once(curl, 'exit')
    await daemon.watch.close()
    assert.deepEqual(await ended, [0, null])
  })

  it('repeats an earlier event only for the clients that read it just before', async () => {
    await using daemon = await serveWatch()
    const description = randomBytes(500).toString('hex')
    const put = (version: string) => daemon.put({ name: 'a', description, version })
    put('1.0.0')
    const first = await daemon.follow('/servers/watch', gzip)
    await first.upTo('BOOKMARK')
    put('2.0.0')
    await first.next()

    const later = await daemon.follow('/servers/watch', { ...gzip, 'last-event-id': daemon.registry.token() })
    await later.upTo('BOOKMARK')
    for (const version of ['3.0.0', '4.0.0']) {
      put(version)
      for (const watcher of [first, later]) assert.equal((await watcher.next())[0]?.server?.['version'], version)
    }

    assert.deepEqual([...first.failures, ...later.failures], [])
  })

  it('resumes from a token, and resyncs where it cannot', async () => {
    await using daemon = await serveWatch()
    daemon.put({ name: 'a' })
    const first = await daemon.follow('/servers/watch', gzip)
    const token = (await first.upTo('BOOKMARK')).at(-1)?.token ?? ''
    first.close()
    daemon.put({ name: 'b', description: 'weather '.repeat(100) })

    const resumed = await daemon.follow('/servers/watch', { ...gzip, 'last-event-id': token })
    const lost = await daemon.follow('/servers/watch', { ...gzip, 'last-event-id': 'other-1' })

    assert.deepEqual(summaryOf(await resumed.next()), ['ADDED b'])
    assert.deepEqual(summaryOf(await lost.upTo('BOOKMARK')), ['RESYNC', 'ADDED a', 'ADDED b', 'BOOKMARK'])
  })

  it('holds its compressed bytes, once for all clients that read slowly', async () => {
    await using daemon = await serveWatch()
    // 16 MB of text that gzip halves.
    const text = () => randomBytes(4000).toString('hex')
    daemon.put(...Array.from({ length: 2000 }, (_, index) => ({ name: `s${index}`, description: text() })))

    const sockets = Array.from({ length: 5 }, () => openUnread(daemon.port))
    await untilTrue(() => daemon.blockedSockets() === 5)

    assert.ok(daemon.watch.counts().bufferedBytes > 7_000_000)
    assert.ok(daemon.watch.counts().bufferedBytes < 12_000_000)
    for (const socket of sockets) socket.destroy()
    await untilTrue(() => daemon.watch.counts().bufferedBytes === 0)
  })

  it('is cut where its client falls behind, and no other', async () => {
    const roster = createTestRegistry()
    // Large enough that no change expires.
    const changeLog = createChangeLog({ registry: roster.registry, maxBytes: 1_000_000_000 })
    await using daemon = await serveWatch({ roster, changeLog, limits: () => limits({ max_buffer_bytes: 1_000_000 }) })
    const reader = await daemon.follow('/servers/watch', gzip)
    const stuck = openUnread(daemon.port)
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    for (let round = 1; daemon.watch.counts().disconnects.behind === 0 && round < 3000; round += 1) {
      daemon.put({ name: 'a', description: `${round} ${randomBytes(4500).toString('hex')}` })
      if (round % 5 === 0) await reader.until(() => reader.events.length === round + 1, 'every change')
    }

    assert.equal(daemon.watch.counts().disconnects.behind, 1)
    assert.equal(reader.ended(), false)
    stuck.destroy()
    await untilTrue(() => daemon.watch.counts().watchers === 1)
  })
})
