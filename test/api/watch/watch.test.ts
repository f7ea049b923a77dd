import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { createJournal } from '../../../src/registry/journal.ts'
import { installed, startProgram } from '../../real.ts'
import { createRoster } from '../../roster.ts'
import { limits, serveWatch, shortly, type Told } from './served.ts'

/** Only Linux lets a program have its own system drop what it is sent. */
const vanishing = process.platform === 'linux' ? installed('python3') : undefined

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
      const roster = createRoster()
      const journal = createJournal({ registry: roster.registry, mostChanges: 3 })
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
    const few = limits({ watchers: 2 })
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
    await using daemon = await serveWatch({ principal, limits: () => limits({ watchers_per_token: 1 }) })
    await daemon.follow('/servers/watch')

    assert.equal((await daemon.ask('/servers/watch')).status, 429)
  })

  it('forgets whoever goes, whenever they go', async () => {
    await using daemon = await serveWatch()
    daemon.put(...Array.from({ length: 300 }, (_, index) => ({ name: `s${index}` })))

    for (let round = 0; round < 100; round += 1) {
      const socket = connect(daemon.port, '127.0.0.1')
      socket.on('error', () => {})
      const path = round % 3 === 0 ? '/servers?watch=true' : round % 3 === 1 ? '/servers?index=e-1' : '/servers/watch'
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
      if (round % 2 === 0) socket.once('data', () => socket.resetAndDestroy())
      else setTimeout(() => socket.destroy(), round % 10)
      if (round % 7 === 0) daemon.put({ name: `s${round}`, tags: ['t'] })
    }

    await untilTrue(() => daemon.watch.counts().watchers === 0)
    assert.equal(daemon.watch.counts().audiences, 0)
    assert.deepEqual(daemon.errors, [])
  })

  it('cuts who does not read what happens, with a reason, and nobody else', async () => {
    const roster = createRoster()
    // It is not that what it has missed is forgotten.
    const journal = createJournal({ registry: roster.registry, mostBytes: 1_000_000_000 })
    await using daemon = await serveWatch({ roster, journal, limits: () => limits({ buffer_bytes: 1_000_000 }) })
    const reader = await daemon.follow('/servers/watch')
    const stuck = connect(daemon.port, '127.0.0.1')
    stuck.on('error', () => {})
    stuck.write('GET /servers/watch HTTP/1.1\r\nhost: localhost\r\n\r\n')
    stuck.pause()
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    let round = 0
    for (; daemon.watch.counts().cut.behind === 0 && round < 3000; round += 1) {
      daemon.put({ name: 'a', description: `${round} ${'x'.repeat(9000)}` })
      if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }

    assert.equal(daemon.watch.counts().cut.behind, 1)
    await reader.until(() => reader.told.length === round + 1, 'every change')
    stuck.destroy()
    await untilTrue(() => daemon.watch.counts().watchers === 1)
  })

  it('tells what changes while others are being told', async () => {
    const roster = createRoster()
    const journal = createJournal({ registry: roster.registry })
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

  it('lets who reads slowly have a long picture, whatever the budget', async () => {
    await using daemon = await serveWatch({ limits: () => limits({ buffer_bytes: 65_536 }) })
    daemon.put(...Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))
    // Then the picture is there already, and it is the reader who is waited for when something changes.
    const first = await daemon.follow('/servers/watch')
    await first.upTo('BOOKMARK')

    const watcher = await daemon.follow('/servers/watch')
    watcher.response.pause()
    await untilTrue(() => daemon.waitedFor() === 1)
    daemon.put({ name: 'late' })
    watcher.response.resume()

    assert.equal((await watcher.upTo('BOOKMARK')).length, 3001)
    assert.deepEqual(shortly(await watcher.next()), ['ADDED late'])
    assert.deepEqual(daemon.watch.counts().cut, { behind: 0, stalled: 0, shutdown: 0 })
  })

  it('lets go of who has vanished without a word', { skip: !vanishing && 'there is no python3 on Linux' }, async () => {
    await using daemon = await serveWatch({ askMs: { idle: 1000, again: 1000, times: 2 } })
    const stays = await daemon.follow('/servers/watch')
    await using peer = await startProgram(vanishing ?? '', () =>
      Promise.resolve([resolve('test/api/watch/vanishing.py'), String(daemon.port)]),
    )
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'a' })
    assert.deepEqual(shortly(await stays.next(2)), ['BOOKMARK', 'ADDED a'])
    assert.equal(peer.said(), 'vanished\n')
  })

  it(
    'lets go of who has vanished, though something was written to him since',
    { skip: !vanishing && 'there is no python3 on Linux' },
    async () => {
      await using daemon = await serveWatch({ vanished: { everyMs: 100, times: 3 } })
      const stays = await daemon.follow('/servers/watch')
      await using peer = await startProgram(vanishing ?? '', () =>
        Promise.resolve([resolve('test/api/watch/vanishing.py'), String(daemon.port)]),
      )
      await untilTrue(() => peer.said().includes('vanished'))

      daemon.put({ name: 'a' })
      await untilTrue(() => daemon.watch.counts().watchers === 1)

      daemon.put({ name: 'b' })
      assert.deepEqual(shortly(await stays.next(3)), ['BOOKMARK', 'ADDED a', 'ADDED b'])
    },
  )

  it('cuts who has read nothing at all for too long', async () => {
    await using daemon = await serveWatch({ heartbeatMs: 20, stallMs: 100 })
    daemon.put(...Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))

    const watcher = await daemon.follow('/servers/watch')
    watcher.response.pause()

    await untilTrue(() => daemon.watch.counts().cut.stalled === 1)
  })
})

describe('a long poll', () => {
  type Answer = { events: Told[]; resource_version: string }

  it('answers with what followed its token, at once where there is any', async () => {
    await using daemon = await serveWatch()
    const token = daemon.registry.token()
    daemon.put({ name: 'a' })
    daemon.change([{ name: 'b' }], ['a'])

    const { status, json } = await daemon.ask(`/servers?index=${token}&wait=30s`)
    const answer = json() as Answer

    assert.equal(status, 200)
    assert.deepEqual(shortly(answer.events).toSorted(), ['ADDED a', 'ADDED b', 'DELETED a'])
    assert.equal(answer.resource_version, daemon.registry.token())
  })

  it('waits for something that it asked for', async () => {
    await using daemon = await serveWatch()
    const asked = daemon.ask(`/servers?index=${daemon.registry.token()}&tag=x`)
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'a' })
    daemon.put({ name: 'b', tags: ['x'] })
    const answer = (await asked).json() as Answer

    assert.deepEqual(shortly(answer.events), ['ADDED b'])
    assert.equal(answer.resource_version, daemon.registry.token())
  })

  it('comes back empty, with the newest token, when nothing happens', async () => {
    await using daemon = await serveWatch()
    const asked = daemon.ask(`/servers?index=${daemon.registry.token()}&wait=50ms&tag=x`)
    daemon.put({ name: 'a' })

    assert.deepEqual((await asked).json(), { events: [], resource_version: daemon.registry.token() })
  })

  it('answers 410 to a token from which there is no going on', async () => {
    await using daemon = await serveWatch()

    for (const token of ['other-0', 'e-7', 'nonsense']) {
      const { status, json } = await daemon.ask(`/servers?index=${token}&wait=30s`)
      assert.equal(status, 410)
      assert.match((json() as { reason: string }).reason, /^(epoch|future|malformed)/)
    }
  })

  it('is answered when the daemon goes down', async () => {
    await using daemon = await serveWatch()
    const asked = daemon.ask(`/servers?index=${daemon.registry.token()}`)
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    await daemon.watch.close()

    assert.equal((await asked).status, 200)
  })
})

async function untilTrue(done: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000
  while (!done()) {
    assert.ok(performance.now() < limit, `waited in vain for ${done.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Asks with these very bytes, and reads whatever comes. */
function rawly(port: number, request: string) {
  let read = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.setEncoding('utf8').on('data', (part: string) => (read += part))
  socket.on('error', () => {})
  return { read: () => read }
}
