import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { connectRoster } from '../../src/client/index.ts'
import { follow, serveWatch, summaryOf } from '../api/watch/watch-server.ts'
import { freePort, installed, startProgram } from '../programs.ts'
import { createRandom } from '../random.ts'
import { type Running, start, temporary, until } from './daemon-process.ts'

type Folder = ReturnType<typeof temporary>

/** Writes servers into the watched folder. */
function publish(folder: Folder, count: number, version = '0'): void {
  const servers = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`s${n}`, { command: 'x', version, description: 'd'.repeat(500) }]),
  )
  writeFileSync(folder.at('servers.json'), JSON.stringify({ servers }))
}

/** Starts a daemon on the folder; resolves once it lists the servers. */
async function begin(folder: Folder, home: Folder, port = 0): Promise<Running> {
  const daemon = await start([folder.path, '--port', String(port)], { home: home.path })
  await until(async () => (await daemon.get('/ready')).status === 200)
  return daemon
}

const total = async ({ json }: Running) => (await json<{ total: number }>('/servers?limit=1')).total

async function watchersOf({ get }: Running): Promise<number> {
  const text = await (await get('/metrics')).text()
  return Number(/^roster_watchers (\d+)$/m.exec(text)?.[1] ?? assert.fail('there is no such metric'))
}

/** Sends a request and disconnects after `bytes` or soon after: with a reset, or silently. */
async function abortAfter(port: number, path: string, { bytes, reset }: { bytes: number; reset: boolean }) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // resets are what this is about
  const gone = once(socket, 'close')
  const timer = setTimeout(() => socket.destroy(), 50)
  let read = 0
  socket.on('data', (chunk) => {
    read += chunk.length
    if (read < bytes) return
    if (reset) socket.resetAndDestroy()
    else socket.destroy()
  })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await gone.catch(() => {})
  clearTimeout(timer)
}

describe('watchers of a real daemon', () => {
  it('watchers that disconnect at any byte are no longer counted', async (test: TestContext) => {
    const random = createRandom()
    test.diagnostic(random.label)
    using folder = temporary()
    using home = temporary()
    publish(folder, 100)
    await using daemon = await begin(folder, home)
    const port = Number(new URL(daemon.url).port)
    await until(async () => (await total(daemon)) === 100)
    const paths = [
      '/servers/watch',
      '/servers?watch=true&q=d',
      '/servers?index=other-1',
      '/agents/watch',
      '/capabilities/watch',
    ]
    const { resource_version: token } = await daemon.json<{ resource_version: string }>('/servers?limit=1')
    paths.push(`/servers?wait=60s&index=${token}`, `/servers/watch?resource_version=${token}`)

    let left = Number(process.env['TEST_CYCLES'] ?? 1000)
    const one = async () => {
      while (left-- > 0)
        await abortAfter(port, random.pick(paths), { bytes: random.below(90_000), reset: random.chance(0.5) })
    }
    const churn = setInterval(() => publish(folder, 100, String(left)), 150)
    await Promise.all(Array.from({ length: 40 }, one))
    clearInterval(churn)

    await until(async () => (await watchersOf(daemon)) === 0, 5)
    assert.equal(await daemon.stop(), 0)
    assert.deepEqual(
      daemon.lines.filter(({ level }) => Number(level) >= 50),
      [],
    )
  })

  it('watchers reconnect after a restart and receive no false removal', async () => {
    using folder = temporary()
    using home = temporary()
    const port = await freePort()
    publish(folder, 20)
    const first = await begin(folder, home, port)
    const stop = new AbortController()
    // A failed test must not watch on: its file would never end.
    using _ = { [Symbol.dispose]: () => stop.abort() }
    const roster = connectRoster({ url: first.url, maxPauseMs: 300 })
    const counts = { removed: 0, added: 0 }
    const versions = Array.from({ length: 200 }, () => '')
    const watching = versions.map(async (_, n) => {
      for await (const event of roster.watch({ signal: stop.signal })) {
        if (event.type === 'DELETED') counts.removed += 1
        if (event.type === 'ADDED') counts.added += 1
        if ('server' in event && event.server.name === 's7') versions[n] = event.server.version ?? ''
      }
    })
    await until(() => versions.every((version) => version === '0'))

    assert.equal(await first.stop(), 0)
    publish(folder, 20, '1')
    await using second = await begin(folder, home, port)
    await until(() => versions.every((version) => version === '1'))

    assert.deepEqual(counts, { removed: 0, added: 200 * 20 })
    await until(async () => (await watchersOf(second)) === 200)
    stop.abort()
    await Promise.all(watching)
    await until(async () => (await watchersOf(second)) === 0)
  })
})

const nginx = installed('nginx')

/** The simplest proxy config: the daemon's own headers make streams pass unbuffered. */
const proxyTo = (folder: string, port: number, { url, timeoutSeconds = 20 }: Proxied) => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 64; }
http {
  access_log off; gzip on; gzip_min_length 1;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  server { listen 127.0.0.1:${port}; proxy_read_timeout ${timeoutSeconds}s; location / { proxy_pass ${url}; } }
}`

type Proxied = { readonly url: string; readonly timeoutSeconds?: number }

async function startProxy(daemon: Proxied) {
  const port = await freePort()
  const program = await startProgram(nginx ?? '', async (folder) => {
    writeFileSync(join(folder, 'nginx.conf'), proxyTo(folder, port, daemon))
    return ['-p', folder, '-c', join(folder, 'nginx.conf')]
  })
  await program.until(async () => (await fetch(`http://127.0.0.1:${port}/health`)).status < 500)
  return { ...program, port }
}

describe('a watch behind nginx', { skip: nginx === undefined ? 'nginx is not installed' : false }, () => {
  it('watch behind nginx arrives unbuffered in every form and resumes after a break', async () => {
    using folder = temporary()
    using home = temporary()
    publish(folder, 3)
    await using daemon = await begin(folder, home)
    await until(async () => (await total(daemon)) === 3)
    await using proxy = await startProxy(daemon)

    const events = await follow(proxy.port, '/servers/watch?name=s1')
    const lines = await follow(proxy.port, '/servers?watch=true&name=s1')
    for (const one of [events, lines]) assert.deepEqual(summaryOf(await one.upTo('BOOKMARK')), ['ADDED s1', 'BOOKMARK'])
    publish(folder, 3, '1')
    const [changed] = await events.next()
    assert.deepEqual(summaryOf([...(changed ? [changed] : []), ...(await lines.next())]), [
      'MODIFIED s1',
      'MODIFIED s1',
    ])

    proxy.signal('SIGHUP') // nginx reads its config again and lets its old workers finish
    const again = await until(async () => {
      const one = await follow(proxy.port, '/servers/watch?name=s1', { 'last-event-id': changed?.token ?? '' })
      return one.status === 200 && one
    })
    publish(folder, 3, '2')

    assert.deepEqual(summaryOf(await again.upTo('MODIFIED')), ['BOOKMARK', 'MODIFIED s1'])
    assert.deepEqual(summaryOf(await events.next()), ['MODIFIED s1'], 'who was there before is not cut off')
    await proxy.stop()
    await events.until(events.ended, 'the end of what nginx held open')
    publish(folder, 3, '3')
    await using next = await startProxy(daemon)
    const resumed = await follow(next.port, `/servers/watch?name=s1&resource_version=${changed?.token}`)

    assert.deepEqual(
      (await resumed.next(2)).map(({ server }) => server?.['version']),
      ['2', '3'],
    )
    for (const one of [events, lines, again, resumed]) one.close()
    await until(async () => (await watchersOf(daemon)) === 0)
  })

  it('watch behind nginx is kept open by keep-alives despite a short proxy timeout', async () => {
    await using daemon = await serveWatch({ heartbeatMs: 300 })
    await using proxy = await startProxy({ url: `http://127.0.0.1:${daemon.port}`, timeoutSeconds: 1 })
    const events = await follow(proxy.port, '/servers/watch')
    const lines = await follow(proxy.port, '/servers?watch=true')

    await events.until(() => events.comments.length >= 5, 'comments')
    await lines.until(() => lines.events.length >= 5, 'bookmarks')
    daemon.put({ name: 'a' })

    for (const one of [events, lines])
      await one.until(() => one.events.some(({ type }) => type === 'ADDED'), 'what changed after a silence')
    for (const one of [events, lines]) one.close()
  })
})
