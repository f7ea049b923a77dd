import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../roster.ts'
import { limits, serveWatch, shortly, type Told, untilTrue } from './served.ts'

for (const [spelling, path] of [
  ['server-sent events', '/servers/watch?'],
  ['newline JSON', '/api/v1/servers?watch=true&'],
] as const) {
  describe(`a watch as ${spelling}`, () => {
    it('begins with what is there, closed by a bookmark that alone has the token', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' }, { name: 'b' })

      const watcher = await daemon.follow(path)
      const told = await watcher.upTo('BOOKMARK')

      assert.deepEqual(shortly(told), ['ADDED a', 'ADDED b', 'BOOKMARK'])
      assert.deepEqual(
        told.map(({ token }) => token),
        [undefined, undefined, daemon.registry.token()],
      )
      assert.deepEqual(told[0]?.server, JSON.parse(daemon.registry.get('default/a')?.json().toString() ?? ''))
    })

    it('tells every change, one revision as one batch whose last event has the token', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' }, { name: 'b' })
      const watcher = await daemon.follow(path)
      await watcher.upTo('BOOKMARK')

      daemon.change([{ name: 'a', tags: ['x'] }, { name: 'c' }], ['b'])
      const told = await watcher.next(3)

      assert.deepEqual(shortly(told).toSorted(), ['ADDED c', 'DELETED b', 'MODIFIED a'])
      assert.deepEqual(
        told.map(({ token }) => token),
        [undefined, undefined, daemon.registry.token()],
      )
    })

    it('tells who filters of what begins and ceases to match', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a', tags: ['x'] }, { name: 'b' })
      const watcher = await daemon.follow(`${path}tag=x&label_selector=!hidden`)
      assert.deepEqual(shortly(await watcher.upTo('BOOKMARK')), ['ADDED a', 'BOOKMARK'])

      daemon.put({ name: 'b', tags: ['x'] })
      daemon.put({ name: 'c' })
      daemon.put({ name: 'b', tags: ['x', 'y'] })
      daemon.put({ name: 'a', tags: ['x'], labels: { hidden: 'yes' } })
      daemon.drop('c')
      daemon.drop('b')

      assert.deepEqual(shortly(await watcher.next(4)), ['ADDED b', 'MODIFIED b', 'DELETED a', 'DELETED b'])
    })

    it('goes on from a token with what followed it and nothing else', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' })
      const token = daemon.registry.token()
      daemon.put({ name: 'b' })
      daemon.put({ name: 'c' })

      const byParameter = await daemon.follow(`${path}resource_version=${token}`)
      const byHeader = await daemon.follow(`${path}resource_version=nonsense`, { 'Last-Event-ID': token })

      assert.deepEqual(shortly(await byParameter.next(2)), ['ADDED b', 'ADDED c'])
      assert.deepEqual(shortly(await byHeader.next(2)), ['ADDED b', 'ADDED c'])
      daemon.drop('a')
      assert.deepEqual(shortly(await byParameter.next()), ['DELETED a'])
    })

    it('says when there is no going on, and why, before it begins anew', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' })

      for (const [token, reason] of [
        ['other-1', 'epoch'],
        ['e-999', 'future'],
        ['nonsense', 'malformed'],
        ['e--1', 'malformed'],
        ['1', 'malformed'],
      ] as const) {
        const watcher = await daemon.follow(`${path}resource_version=${token}`)
        const told = await watcher.upTo('BOOKMARK')
        assert.deepEqual(shortly(told), ['RESYNC', 'ADDED a', 'BOOKMARK'])
        assert.match(told[0]?.reason ?? '', new RegExp(`^${reason}`))
        watcher.close()
      }
    })

    it('begins anew where what followed the token is forgotten', async () => {
      const roster = createTestRegistry()
      const journal = createChangeLog({ registry: roster.registry, maxChanges: 3 })
      await using daemon = await serveWatch({ roster, journal })
      daemon.put({ name: 'a' })
      const token = daemon.registry.token()
      for (const name of ['b', 'c', 'd', 'e']) daemon.put({ name })

      const watcher = await daemon.follow(`${path}resource_version=${token}`)
      const told = await watcher.upTo('BOOKMARK')

      assert.deepEqual(shortly(told), ['RESYNC', 'ADDED a', 'ADDED b', 'ADDED c', 'ADDED d', 'ADDED e', 'BOOKMARK'])
      assert.match(told[0]?.reason ?? '', /^expired/)
    })

    it('marks how far it has come while nothing happens', async () => {
      await using daemon = await serveWatch({ heartbeatMs: 20, bookmarkMs: 60 })
      const watcher = await daemon.follow(`${path}name=nobody`)
      await watcher.upTo('BOOKMARK')

      daemon.put({ name: 'a' })
      const token = daemon.registry.token()
      await watcher.until(() => watcher.told.some((one) => one.token === token), 'a bookmark')

      assert.ok(watcher.told.every(({ type }) => type === 'BOOKMARK'))
    })

    it('ends with a goodbye when the daemon goes down', async () => {
      const daemon = await serveWatch()
      const watcher = await daemon.follow(path)
      await watcher.upTo('BOOKMARK')

      await daemon.watch.close()
      await watcher.until(watcher.ended, 'the end')

      assert.deepEqual(shortly(watcher.told), ['CLOSED'])
      assert.match(watcher.told[0]?.reason ?? '', /^shutdown/)
      const late = await daemon.ask(path)
      assert.equal(late.status, 503)
      assert.match(late.headers['retry-after'] ?? '', /^\d+$/)
      await daemon[Symbol.asyncDispose]()
    })

    it('tells a batch and a picture of thousands whole and in order', async () => {
      await using daemon = await serveWatch()
      const many = Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(500) }))
      daemon.put(...many)
      const watcher = await daemon.follow(path)
      const opening = await watcher.upTo('BOOKMARK')
      assert.equal(new Set(shortly(opening)).size, 3001)

      daemon.put(...many.map((one) => ({ ...one, tags: ['t'] })))
      daemon.put({ name: 'last' })
      const told = await watcher.next(3001)

      assert.equal(new Set(shortly(told)).size, 3001)
      assert.equal(told[3000]?.server?.name, 'last')
      assert.deepEqual(
        told.flatMap(({ token }) => token ?? []),
        ['e-2', 'e-3'],
      )
    })
  })
}

describe('a watch', () => {
  it('has whoever comes back after a restart wait for the picture until every source has answered', async () => {
    let ready = false
    await using daemon = await serveWatch({ ready: () => ready, heartbeatMs: 20 })
    const back = await daemon.follow('/servers/watch?resource_version=other-7')
    const stranger = await daemon.follow('/servers/watch')
    daemon.put({ name: 'a' })

    assert.deepEqual(shortly(await stranger.upTo('BOOKMARK')), ['BOOKMARK'])
    assert.deepEqual(shortly(await stranger.next()), ['ADDED a'])
    await back.until(() => back.comments.length >= 3, 'heartbeats')
    assert.deepEqual(shortly(back.told), ['RESYNC'])
    ready = true

    assert.deepEqual(shortly(await back.upTo('BOOKMARK')), ['RESYNC', 'ADDED a', 'BOOKMARK'])
  })

  it('is kept from buffers and caches, and told when to come back', async () => {
    await using daemon = await serveWatch({ random: () => 0.5 })

    const watcher = await daemon.follow('/servers/watch')
    await watcher.upTo('BOOKMARK')

    assert.equal(watcher.headers['content-type'], 'text/event-stream')
    assert.equal(watcher.headers['cache-control'], 'no-store')
    assert.equal(watcher.headers['x-accel-buffering'], 'no')
    assert.ok(watcher.retry() >= 1000 && watcher.retry() <= 30_000)
  })

  it('sends a comment now and then, so that nobody between takes it for dead', async () => {
    await using daemon = await serveWatch({ heartbeatMs: 20, bookmarkMs: 60_000 })

    const watcher = await daemon.follow('/servers/watch')

    await watcher.until(() => watcher.comments.length >= 3, 'comments')
  })

  for (const [path, parameter] of [
    ['/servers/watch?color=red', 'color'],
    ['/servers?watch=perhaps', 'watch'],
    ['/servers/watch?limit=5', 'limit'],
    ['/servers?watch=1&sort=name', 'sort'],
    ['/servers/watch?secrets=true', 'secrets'],
    ['/servers/watch?label_selector=a+in+b', 'label_selector'],
    ['/servers?index=e-0&wait=never', 'wait'],
    ['/servers?index=e-0&wait=2h', 'wait'],
    ['/servers?index=e-0&index=e-1', 'index'],
    ['/servers?watch=true&index=e-0', 'index'],
    ['/servers?wait=5s&index=', 'wait'],
    ['/servers?resource_version=e-0', 'resource_version'],
  ] as const) {
    it(`is refused for ${path}, naming ${parameter}`, async () => {
      await using daemon = await serveWatch()
      const { status, json } = await daemon.ask(path)

      assert.equal(status, 400)
      assert.equal((json() as { parameter: string }).parameter, parameter)
    })
  }

  it('leaves lists and single servers to others', async () => {
    await using daemon = await serveWatch()

    for (const path of ['/servers', '/servers?watch=false', '/servers?index=', '/servers/default/watch', '/servers/a'])
      assert.equal((await daemon.ask(path)).status, 404)
  })

  it('is refused when there are too many, and nobody else is disturbed', async () => {
    const few = limits({ max_watchers: 2 })
    await using daemon = await serveWatch({ limits: () => few })
    const first = await daemon.follow('/servers/watch')
    const second = await daemon.follow('/servers?watch=true')

    const third = await daemon.ask('/servers/watch')
    assert.equal(third.status, 503)
    assert.match(third.headers['retry-after'] ?? '', /^\d+$/)

    daemon.put({ name: 'a' })
    for (const watcher of [first, second]) assert.deepEqual(shortly(await watcher.next(2)), ['BOOKMARK', 'ADDED a'])
    first.close()
    await untilTrue(() => daemon.watch.counts().watchers === 1)
    assert.equal((await daemon.follow('/servers/watch')).status, 200)
  })

  it('is written as it is to who speaks HTTP/1.0, and in chunks to others, each after what they asked for before', async () => {
    await using daemon = await serveWatch()
    daemon.put({ name: 'a' })
    const [old, current] = [
      rawly(daemon.port, 'GET /servers?watch=true HTTP/1.0\r\n\r\n'),
      rawly(
        daemon.port,
        `GET /servers?index=${daemon.registry.token()} HTTP/1.1\r\nhost: x\r\n\r\n` +
          'GET /servers?watch=true HTTP/1.1\r\nhost: x\r\n\r\n',
      ),
    ]
    await untilTrue(() => daemon.watch.counts().watchers === 3 && old.read().includes('BOOKMARK'))

    daemon.put({ name: 'b' })
    await untilTrue(() => old.read().includes('"name":"b"') && current.read().includes('BOOKMARK'))
    daemon.put({ name: 'c' })
    await untilTrue(() => old.read().includes('"name":"c"') && current.read().includes('"name":"c"'))

    const lines = old.read().split('\r\n\r\n')[1]?.trim().split('\n') ?? []
    assert.deepEqual(shortly(lines.map((line) => JSON.parse(line) as Told)), [
      'ADDED a',
      'BOOKMARK',
      'ADDED b',
      'ADDED c',
    ])
    const [, polled = '', head = '', ...chunks] = current.read().split(/(?<=\r\n\r\n)|(?<=\})(?=HTTP)/)
    assert.match(polled, /^\{"events":\[\{"type":"ADDED".*"name":"b"/)
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n.*transfer-encoding: chunked/is)
    const bodies = chunks.join('').split(/[\da-f]+\r\n(.*?)\n\r\n/s)
    const told = bodies.flatMap((body) => body.split('\n')).filter(Boolean)
    assert.deepEqual(shortly(told.map((line) => JSON.parse(line) as Told)), [
      'ADDED a',
      'ADDED b',
      'BOOKMARK',
      'ADDED c',
    ])
  })

  it('counts the watchers of each token', async () => {
    const principal = { name: 'portal', role: 'reader', secrets: false } as const
    await using daemon = await serveWatch({ principal, limits: () => limits({ max_watchers_per_token: 1 }) })
    await daemon.follow('/servers/watch')

    assert.equal((await daemon.ask('/servers/watch')).status, 429)
  })

  it('tells what changes while others are being told', async () => {
    const roster = createTestRegistry()
    const journal = createChangeLog({ registry: roster.registry })
    // So slow that the event loop gets a turn, and the writer too, before everybody has been told.
    const newest = () => {
      for (const end = performance.now() + 2; performance.now() < end;);
      return journal.newest()
    }
    await using daemon = await serveWatch({ roster, journal: { ...journal, newest } })
    const watchers = await Promise.all(Array.from({ length: 12 }, () => daemon.follow('/servers/watch')))
    let last = 0

    for (let round = 0; round < 5; round += 1) {
      for (let turn = 0; turn < 5; turn += 1) {
        daemon.put({ name: 'a', version: String((last += 1)) })
        await new Promise((resolve) => setImmediate(resolve))
      }
      const hasLast = ({ told }: (typeof watchers)[number]) => told.at(-1)?.server?.['version'] === String(last)
      await Promise.all(watchers.map((one) => one.until(() => hasLast(one), `version ${last}`)))
    }

    const told = watchers.map((one) => one.told.filter(({ server }) => server).length)
    assert.deepEqual(new Set(told), new Set([25]))
  })
})

/** Asks with these very bytes, and reads whatever comes. */
function rawly(port: number, request: string) {
  let read = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.setEncoding('utf8').on('data', (part: string) => (read += part))
  socket.on('error', () => {})
  return { read: () => read }
}
