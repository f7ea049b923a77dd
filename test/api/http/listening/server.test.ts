import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { readJson } from '../../../../src/api/http/body.ts'
import { createRoutes } from '../../../../src/api/http/context.ts'
import type { Handle } from '../../../../src/api/http/listening/request-queues.ts'
import { listen, ListenError } from '../../../../src/api/http/listening/server.ts'
import { CertificateError, watchPair } from '../../../../src/api/http/listening/tls.ts'
import { problemFrom } from '../../../../src/api/http/problem.ts'
import { createLog, silent } from '../../../../src/log.ts'
import { limits, read, serve } from '../../served-api.ts'

const options = { host: '127.0.0.1', port: 0, limits, log: silent, hosts: [] }

/** A connection that sends `bytes` and stays open, with whatever came back so far. */
async function talk(port: number, bytes: string) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

describe('the HTTP server', () => {
  it('answers on both addresses of localhost, on one port', async (t) => {
    await using listening = await listen((_request, response) => void response.end('here'), {
      ...options,
      host: 'localhost',
    })

    const four = await fetch(`http://127.0.0.1:${listening.port}/`)
    assert.equal(await four.text(), 'here')
    try {
      assert.equal(await (await fetch(`http://[::1]:${listening.port}/`)).text(), 'here')
    } catch {
      t.skip('this machine has no IPv6')
    }
  })

  it('fails in one line when the port is in use', async () => {
    await using listening = await listen(() => {}, options)

    await assert.rejects(
      listen(() => {}, { ...options, port: listening.port }),
      (error: ListenError) => {
        assert.ok(error instanceof ListenError)
        assert.equal(error.code, 'EADDRINUSE')
        assert.equal(error.message, `cannot listen on 127.0.0.1:${listening.port}: the port is in use`)
        return true
      },
    )
  })

  it('survives refused connections of the system, and logs them once a minute', async ({ mock }) => {
    const begun = mock.method(Server.prototype, 'listen')
    const lines: string[] = []
    const log = createLog({ destination: { write: (line) => void lines.push(line) } })
    await using listening = await listen((_request, response) => void response.end('here'), { ...options, log })

    const server = begun.mock.calls[0]?.this as Server
    for (let times = 0; times < 100; times += 1)
      server.emit('error', Object.assign(new Error('accept ENOMEM'), { code: 'ENOMEM', syscall: 'accept' }))

    assert.equal(await (await fetch(listening.url)).text(), 'here')
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /"warn".*ENOMEM.*accepting a connection failed/)
  })

  it('finishes requests in flight and rejects new connections when it closes', async () => {
    const arrived = Promise.withResolvers<() => void>()
    const listening = await listen((_request, response) => arrived.resolve(() => void response.end('late')), options)
    const idle = await talk(listening.port, '')
    const answer = fetch(listening.url)
    const finish = await arrived.promise

    const closed = listening[Symbol.asyncDispose]()
    await once(idle, 'close')
    await assert.rejects(fetch(listening.url))
    finish()

    const done = await answer
    assert.equal(await done.text(), 'late')
    assert.equal(done.headers.get('connection'), 'close')
    await closed
  })

  it('cuts requests that exceed the grace period when it closes', async () => {
    const arrived = Promise.withResolvers<void>()
    const listening = await listen(() => arrived.resolve(), options, { graceMs: 50 })
    const answer = fetch(listening.url)
    await arrived.promise

    const cut = assert.rejects(answer)
    await listening[Symbol.asyncDispose]()

    await cut
  })

  it('answers 408 to a request header that arrives too slowly', async () => {
    await using served = await serve({ listen: { limits: { ...limits, header_timeout: 0.2 } } })
    const socket = await talk(served.port, 'GET /servers HTTP/1.1\r\nhost: localhost\r\n')
    const drip = setInterval(() => socket.write('x: y\r\n'), 50)
    socket.on('error', () => {})

    const answer = read(await text(socket))
    clearInterval(drip)

    assert.equal(answer.status, 408)
    assert.match(answer.head, /problem\+json/)
  })

  it('cuts a client that does not read its response', async () => {
    const gone = Promise.withResolvers<void>()
    const much = Buffer.alloc(64 * 1024 * 1024)
    const handle: Handle = (_request, response) => {
      response.once('close', gone.resolve)
      response.end(much)
    }
    await using listening = await listen(handle, { ...options, limits: { ...limits, idle_timeout: 0.2 } })
    const socket = await talk(listening.port, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    socket.on('error', () => {})
    socket.pause()

    await gone.promise
    assert.equal(listening.connections(), 0)
  })

  it('closes an idle connection after its response, even with an endless keep-alive', async () => {
    const handle: Handle = (_request, response) => void response.end('well')
    await using listening = await listen(handle, {
      ...options,
      limits: { ...limits, idle_timeout: 0.2, keep_alive: 0 },
    })
    const socket = await talk(listening.port, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')

    assert.match(await text(socket), /well$/)
  })

  it('does not cut a connection that waits for its response', async () => {
    const handle: Handle = (_request, response) => void setTimeout(() => response.end('at last'), 700)
    await using listening = await listen(handle, { ...options, limits: { ...limits, idle_timeout: 0.2 } })

    assert.equal(await (await fetch(listening.url)).text(), 'at last')
  })

  it('limits a body sent in chunks', async () => {
    const app = createRoutes()
    app.onError((error, c) => c.text(error.message, problemFrom(error).status as 400))
    app.post('/echo', async (c) => c.json((await readJson(c, 1000)) ?? null))
    await using served = await serve({ app })
    const post = (body: string) =>
      served.raw(
        `POST /echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
      )
    const chunk = `${(800).toString(16)}\r\n${' '.repeat(800)}\r\n`

    const good = await post('d\r\n{"a":[1, 2]} \r\n0\r\n\r\n')
    const long = await post(`${chunk.repeat(1000)}0\r\n\r\n`)
    const bad = await post('5\r\n{"a" \r\n0\r\n\r\n')
    const empty = await post('0\r\n\r\n')

    assert.equal(read(good).status, 200)
    assert.match(good, /\{"a":\[1,2\]\}/)
    assert.equal(read(long).status, 413)
    assert.equal(read(bad).status, 400)
    assert.match(bad, /not valid JSON/)
    assert.match(empty, /null/)
  })

  it('survives a thousand clients that reset their connections', async () => {
    await using served = await serve()
    const requests = [
      '',
      'GET',
      'GET /servers HTTP/1.1\r\n',
      'GET /servers HTTP/1.1\r\nhost: localhost\r\n\r\n',
      '\0\0\0',
      'PRI * HTTP/2.0\r\n\r\n',
    ]

    for (let round = 0; round < 1000; round += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const socket = await talk(served.port, requests[index % requests.length] ?? '')
          socket.on('error', () => {})
          socket.resetAndDestroy()
        }),
      )
    }

    assert.equal((await served.get('/health')).status, 200)
  })
})

const openssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'

describe('TLS', { skip: openssl }, () => {
  function certificates(...names: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'roster-tls-'))
    for (const name of names) {
      const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
      const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert, '-subj', `/CN=${name}`], {
        stdio: 'ignore',
      })
    }
    const put = (cert: string, key = cert) => {
      copyFileSync(join(folder, `${cert}.crt`), join(folder, 'tls.crt'))
      copyFileSync(join(folder, `${key}.key`), join(folder, 'tls.key'))
    }
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
    return { files, put, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
  }

  async function nameOf(port: number): Promise<string> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return String(CN)
  }

  it('serves the configured certificate, and the next one once its files change', async () => {
    using made = certificates('first', 'second')
    made.put('first')
    const reloaded = Promise.withResolvers<void>()
    const log = { ...silent, info: () => reloaded.resolve() } as typeof silent
    await using listening = await listen(
      (_request, response) => void response.end(),
      { ...options, tls: made.files, log },
      { tlsMs: 20 },
    )

    const before = await nameOf(listening.port)
    made.put('second')
    await reloaded.promise

    assert.equal(before, 'first')
    assert.equal(await nameOf(listening.port), 'second')
    assert.match(listening.url, /^https:/)
  })

  it('keeps the old pair while certificate and key do not match', async () => {
    using made = certificates('first', 'second')
    made.put('first')
    const warned = Promise.withResolvers<void>()
    const log = { ...silent, warn: () => warned.resolve() } as typeof silent
    const used: unknown[] = []
    // Watching may begin late: the threads that read files are busy.
    const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('a', 'b', 200_000, 32, 'sha256'))
    const stop = watchPair(made.files, { use: (pair) => used.push(pair), log, everyMs: 20 })
    made.put('first', 'second')
    await warned.promise
    stop()
    await Promise.all(busy)

    assert.deepEqual(used, [])
  })

  it('does not start with an invalid certificate', async () => {
    using made = certificates('first')
    made.put('first')
    writeFileSync(made.files.cert, 'nonsense')

    await assert.rejects(
      listen(() => {}, { ...options, tls: made.files }),
      (error) => {
        assert.ok(error instanceof CertificateError)
        assert.match(error.message, /^listen\.tls: \S+tls\.crt .* are not a certificate and its key$/)
        return true
      },
    )
  })

  for (const [what, cert, reason] of [
    ['does not exist', '/nowhere/tls.crt', 'does not exist'],
    ['is a folder', tmpdir(), 'is a directory, not a file'],
  ] as const) {
    it(`does not start with a certificate that ${what}, and gives the reason`, async () => {
      using made = certificates('first')
      made.put('first')

      await assert.rejects(
        listen(() => {}, { ...options, tls: { ...made.files, cert } }),
        new CertificateError(`${cert} ${reason}`),
      )
    })
  }
})
