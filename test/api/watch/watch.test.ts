import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { limits, serveWatch, summaryOf, type WatchEvent, untilTrue } from './watch-server.ts'

for (const [format, path] of [
  ['server-sent events', '/servers/watch?'],
  ['newline JSON', '/api/v1/servers?watch=true&'],
] as const) {
  describe(`a watch as ${format}`, () => {
    it('begins with every server, then a bookmark, which alone has the token', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' }, { name: 'b' })

      const watcher = await daemon.follow(path)
      const events = await watcher.upTo('BOOKMARK')

      assert.deepEqual(summaryOf(events), ['ADDED a', 'ADDED b', 'BOOKMARK'])
      assert.deepEqual(
        events.map(({ token }) => token),
        [undefined, undefined, daemon.registry.token()],
      )
      assert.deepEqual(events[0]?.server, JSON.parse(daemon.registry.get('default/a')?.json().toString() ?? ''))
    })

    it('sends each revision as one batch, whose last event has the token', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' }, { name: 'b' })
      const watcher = await daemon.follow(path)
      await watcher.upTo('BOOKMARK')

      daemon.change([{ name: 'a', tags: ['x'] }, { name: 'c' }], ['b'])
      const events = await watcher.next(3)

      assert.deepEqual(summaryOf(events).toSorted(), ['ADDED c', 'DELETED b', 'MODIFIED a'])
      assert.deepEqual(
        events.map(({ token }) => token),
        [undefined, undefined, daemon.registry.token()],
      )
    })

    it('sends ADDED and DELETED when a server begins and ceases to match the filter', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a', tags: ['x'] }, { name: 'b' })
      const watcher = await daemon.follow(`${path}tag=x&label_selector=!hidden`)
      assert.deepEqual(summaryOf(await watcher.upTo('BOOKMARK')), ['ADDED a', 'BOOKMARK'])

      daemon.put({ name: 'b', tags: ['x'] })
      daemon.put({ name: 'c' })
      daemon.put({ name: 'b', tags: ['x', 'y'] })
      daemon.put({ name: 'a', tags: ['x'], labels: { hidden: 'yes' } })
      daemon.drop('c')
      daemon.drop('b')

      assert.deepEqual(summaryOf(await watcher.next(4)), ['ADDED b', 'MODIFIED b', 'DELETED a', 'DELETED b'])
    })

    it('sends the fields asked for, and no event of a change in others alone', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a', tags: ['x'] })
      const watcher = await daemon.follow(`${path}fields=name,tags&fields=title`)
      assert.deepEqual((await watcher.upTo('BOOKMARK'))[0]?.server, { name: 'a', tags: ['x'] })

      daemon.put({ name: 'a', tags: ['x'], description: 'not asked for' })
      daemon.change(
        [
          { name: 'a', tags: ['y'], description: 'not asked for' },
          { name: 'b', title: 'B' },
        ],
        [],
      )
      daemon.put({ name: 'b', title: 'B', description: 'not asked for' })
      daemon.drop('b')
      const [changed, added, deleted] = await watcher.next(3)

      assert.deepEqual([changed?.type, changed?.server], ['MODIFIED', { name: 'a', tags: ['y'] }])
      assert.deepEqual([added?.type, added?.server], ['ADDED', { name: 'b', tags: [], title: 'B' }])
      assert.deepEqual([deleted?.type, deleted?.token], ['DELETED', daemon.registry.token()])
    })

    it('resumes after a token with exactly the later events', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a' })
      const token = daemon.registry.token()
      daemon.put({ name: 'b' })
      daemon.put({ name: 'c' })

      const byParameter = await daemon.follow(`${path}resource_version=${token}`)
      const byHeader = await daemon.follow(`${path}resource_version=nonsense`, { 'Last-Event-ID': token })

      assert.deepEqual(summaryOf(await byParameter.next(2)), ['ADDED b', 'ADDED c'])
      assert.deepEqual(summaryOf(await byHeader.next(2)), ['ADDED b', 'ADDED c'])
      daemon.drop('a')
      assert.deepEqual(summaryOf(await byParameter.next()), ['DELETED a'])
    })

    it('tells a client that missed nothing so at once', async () => {
      await using daemon = await serveWatch()
      daemon.put({ name: 'a', tags: ['x'] })
      const token = daemon.registry.token()
      daemon.put({ name: 'b' })

      const ofAll = await daemon.follow(`${path}resource_version=${daemon.registry.token()}`)
      const ofSome = await daemon.follow(`${path}tag=x&resource_version=${token}`)

      for (const watcher of [ofAll, ofSome])
        assert.deepEqual(await watcher.next(), [{ type: 'BOOKMARK', token: daemon.registry.token() }])
      daemon.put({ name: 'c', tags: ['x'] })
      for (const watcher of [ofAll, ofSome]) assert.deepEqual(summaryOf(await watcher.next()), ['ADDED c'])
    })

    it('sends RESYNC with the reason before it starts over from a token that cannot be resumed', async () => {
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
        const events = await watcher.upTo('BOOKMARK')
        assert.deepEqual(summaryOf(events), ['RESYNC', 'ADDED a', 'BOOKMARK'])
        assert.match(events[0]?.reason ?? '', new RegExp(`^${reason}`))
        watcher.close()
      }
    })

    it('starts over where the changes after the token have expired', async () => {
      const roster = createTestRegistry()
      const changeLog = createChangeLog({ registry: roster.registry, maxChanges: 3 })
      await using daemon = await serveWatch({ roster, changeLog })
      daemon.put({ name: 'a' })
      const token = daemon.registry.token()
      for (const name of ['b', 'c', 'd', 'e']) daemon.put({ name })

      const watcher = await daemon.follow(`${path}resource_version=${token}`)
      const events = await watcher.upTo('BOOKMARK')

      assert.deepEqual(summaryOf(events), ['RESYNC', 'ADDED a', 'ADDED b', 'ADDED c', 'ADDED d', 'ADDED e', 'BOOKMARK'])
      assert.match(events[0]?.reason ?? '', /^expired/)
    })

    it('sends bookmarks with the newest token while no server matches', async () => {
      await using daemon = await serveWatch({ heartbeatMs: 20, bookmarkMs: 60 })
      const watcher = await daemon.follow(`${path}name=unknown`)
      await watcher.upTo('BOOKMARK')

      daemon.put({ name: 'a' })
      const token = daemon.registry.token()
      await watcher.until(() => watcher.events.some((one) => one.token === token), 'a bookmark')

      assert.ok(watcher.events.every(({ type }) => type === 'BOOKMARK'))
    })

    it('ends with a reason when the daemon shuts down', async () => {
      const daemon = await serveWatch()
      const watcher = await daemon.follow(path)
      await watcher.upTo('BOOKMARK')

      await daemon.watch.close()
      await watcher.until(watcher.ended, 'the end')

      assert.deepEqual(summaryOf(watcher.events), ['CLOSED'])
      assert.match(watcher.events[0]?.reason ?? '', /^shutdown/)
      const late = await daemon.ask(path)
      assert.equal(late.status, 503)
      assert.match(late.headers['retry-after'] ?? '', /^\d+$/)
      await daemon[Symbol.asyncDispose]()
    })

    it('sends a batch and a snapshot of thousands completely and in order', async () => {
      await using daemon = await serveWatch()
      const many = Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(500) }))
      daemon.put(...many)
      const watcher = await daemon.follow(path)
      const opening = await watcher.upTo('BOOKMARK')
      assert.equal(new Set(summaryOf(opening)).size, 3001)

      daemon.put(...many.map((one) => ({ ...one, tags: ['t'] })))
      const tokens = [daemon.registry.token()]
      daemon.put({ name: 'last' })
      tokens.push(daemon.registry.token())
      const events = await watcher.next(3001)

      assert.equal(new Set(summaryOf(events)).size, 3001)
      assert.equal(events[3000]?.server?.name, 'last')
      assert.deepEqual(
        events.flatMap(({ token }) => token ?? []),
        tokens,
      )
    })
  })
}

describe('a watch', () => {
  it('delays the snapshot of a resuming client until every source has answered', async () => {
    let isReady = false
    await using daemon = await serveWatch({ isReady: () => isReady, heartbeatMs: 20 })
    const resuming = await daemon.follow('/servers/watch?resource_version=other-7')
    const fresh = await daemon.follow('/servers/watch')
    daemon.put({ name: 'a' })

    assert.deepEqual(summaryOf(await fresh.upTo('BOOKMARK')), ['BOOKMARK'])
    assert.deepEqual(summaryOf(await fresh.next()), ['ADDED a'])
    await resuming.until(() => resuming.comments.length >= 3, 'heartbeats')
    assert.deepEqual(summaryOf(resuming.events), [])
    isReady = true

    assert.deepEqual(summaryOf(await resuming.upTo('BOOKMARK')), ['RESYNC', 'ADDED a', 'BOOKMARK'])
  })

  it('forbids buffering and caching, and names the reconnect delay', async () => {
    await using daemon = await serveWatch({ random: () => 0.5 })

    const watcher = await daemon.follow('/servers/watch')
    await watcher.upTo('BOOKMARK')

    assert.equal(watcher.headers['content-type'], 'text/event-stream')
    assert.equal(watcher.headers['cache-control'], 'no-store')
    assert.equal(watcher.headers['x-accel-buffering'], 'no')
    assert.ok(watcher.retry() >= 1000 && watcher.retry() <= 30_000)
  })

  it('sends comments while it is quiet, so that no proxy closes it', async () => {
    await using daemon = await serveWatch({ heartbeatMs: 20, bookmarkMs: 60_000 })

    const watcher = await daemon.follow('/servers/watch')

    await watcher.until(() => watcher.comments.length >= 3, 'comments')
  })

  for (const [path, parameter] of [
    ['/servers/watch?color=red', 'color'],
    ['/servers/watch?label_selector=a+in+b', 'label_selector'],
    ['/servers/watch?limit=5', 'limit'],
    ['/servers?index=e-0&wait=never', 'wait'],
  ] as const) {
    it(`gets 400 for ${path}, naming ${parameter}`, async () => {
      await using daemon = await serveWatch()
      const { status, json } = await daemon.ask(path)

      assert.equal(status, 400)
      assert.equal((json() as { parameter: string }).parameter, parameter)
    })
  }

  it('leaves lists and single servers to their routes', async () => {
    await using daemon = await serveWatch()

    for (const path of ['/servers', '/servers?watch=false', '/servers?index=', '/servers/default/watch', '/servers/a'])
      assert.equal((await daemon.ask(path)).status, 404)
  })

  it('gets 503 beyond the watcher limit, and the others continue', async () => {
    const few = limits({ max_watchers: 2, max_watchers_per_address: 2 })
    await using daemon = await serveWatch({ limits: () => few })
    const first = await daemon.follow('/servers/watch')
    const second = await daemon.follow('/servers?watch=true')

    const third = await daemon.ask('/servers/watch')
    assert.equal(third.status, 503)
    assert.match(third.headers['retry-after'] ?? '', /^\d+$/)

    daemon.put({ name: 'a' })
    for (const watcher of [first, second]) assert.deepEqual(summaryOf(await watcher.next(2)), ['BOOKMARK', 'ADDED a'])
    first.close()
    await untilTrue(() => daemon.watch.counts().watchers === 1)
    assert.equal((await daemon.follow('/servers/watch')).status, 200)
  })

  it('takes one place for all that are pipelined on one connection', async () => {
    await using daemon = await serveWatch()
    const many = requestRaw(daemon.port, 'GET /servers/watch HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(500))

    await untilTrue(() => many.read().includes('BOOKMARK'))
    const other = await daemon.follow('/servers/watch')
    await other.upTo('BOOKMARK')

    assert.equal(daemon.watch.counts().watchers, 2)
    other.close()
  })

  it('is unframed for HTTP/1.0 and chunked for HTTP/1.1, after the earlier responses of the connection', async () => {
    await using daemon = await serveWatch()
    daemon.put({ name: 'a' })
    const [old, current] = [
      requestRaw(daemon.port, 'GET /servers?watch=true HTTP/1.0\r\n\r\n'),
      requestRaw(
        daemon.port,
        `GET /servers?index=${daemon.registry.token()} HTTP/1.1\r\nhost: x\r\n\r\n` +
          'GET /servers?watch=true HTTP/1.1\r\nhost: x\r\n\r\n',
      ),
    ]
    await untilTrue(() => daemon.watch.counts().watchers === 2 && old.read().includes('BOOKMARK'))

    daemon.put({ name: 'b' })
    await untilTrue(() => old.read().includes('"name":"b"') && current.read().includes('BOOKMARK'))
    daemon.put({ name: 'c' })
    await untilTrue(() => old.read().includes('"name":"c"') && current.read().includes('"name":"c"'))

    const lines = old.read().split('\r\n\r\n')[1]?.trim().split('\n') ?? []
    assert.deepEqual(summaryOf(lines.map((line) => JSON.parse(line) as WatchEvent)), [
      'ADDED a',
      'BOOKMARK',
      'ADDED b',
      'ADDED c',
    ])
    const [, polled = '', head = '', ...chunks] = current.read().split(/(?<=\r\n\r\n)|(?<=\})(?=HTTP)/)
    assert.match(polled, /^\{"events":\[\{"type":"ADDED".*"name":"b"/)
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n.*transfer-encoding: chunked/is)
    const bodies = chunks.join('').split(/[\da-f]+\r\n(.*?)\n\r\n/s)
    const events = bodies.flatMap((body) => body.split('\n')).filter(Boolean)
    assert.deepEqual(summaryOf(events.map((line) => JSON.parse(line) as WatchEvent)), [
      'ADDED a',
      'ADDED b',
      'BOOKMARK',
      'ADDED c',
    ])
  })

  it('gets 429 beyond the watcher limit of its token', async () => {
    const principal = { name: 'portal', role: 'reader', secrets: false } as const
    await using daemon = await serveWatch({ principal, limits: () => limits({ max_watchers_per_token: 1 }) })
    await daemon.follow('/servers/watch')

    assert.equal((await daemon.ask('/servers/watch')).status, 429)
  })

  it('sends the changes that arrive during a delivery', async () => {
    const roster = createTestRegistry()
    const changeLog = createChangeLog({ registry: roster.registry })
    // So slow that the event loop runs the writer before every watcher has its events.
    const newest = () => {
      for (const end = performance.now() + 2; performance.now() < end;);
      return changeLog.newest()
    }
    await using daemon = await serveWatch({ roster, changeLog: { ...changeLog, newest } })
    const watchers = await Promise.all(Array.from({ length: 12 }, () => daemon.follow('/servers/watch')))
    let last = 0

    for (let round = 0; round < 5; round += 1) {
      for (let turn = 0; turn < 5; turn += 1) {
        daemon.put({ name: 'a', version: String((last += 1)) })
        await new Promise((resolve) => setImmediate(resolve))
      }
      const hasLast = ({ events }: (typeof watchers)[number]) => events.at(-1)?.server?.['version'] === String(last)
      await Promise.all(watchers.map((one) => one.until(() => hasLast(one), `version ${last}`)))
    }

    const counts = watchers.map((one) => one.events.filter(({ server }) => server).length)
    assert.deepEqual(new Set(counts), new Set([25]))
  })
})

/** Sends the bytes of a request and collects those of the response. */
function requestRaw(port: number, request: string) {
  let read = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.setEncoding('utf8').on('data', (part: string) => (read += part))
  socket.on('error', () => {})
  return { read: () => read }
}
