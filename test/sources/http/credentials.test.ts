import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { errorIn, namesIn } from '../poll-source.ts'
import { json, openHttpSource, openDirectory, servers } from './test-directory.ts'

let folder = ''
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'roster-http-'))))
after(() => rm(folder, { recursive: true, force: true }))

describe('credentials', () => {
  it('are sent from the config or from files, which are read again at every poll', async () => {
    const token = join(folder, 'token')
    await writeFile(token, 'first-token\n')
    using place = await openDirectory(json(servers('weather')))
    await using source = openHttpSource({
      url: `${place.url}/servers`,
      token: { file: token },
      headers: { 'X-Team': 'maps' },
    })
    await source.next()

    await writeFile(token, 'second-token')
    await source.refresh()

    const sent = place.requests.map(({ headers }) => [headers.authorization, headers['x-team']])
    assert.deepEqual(sent, [
      ['Bearer first-token', 'maps'],
      ['Bearer second-token', 'maps'],
    ])
  })

  for (const [what, content, reason] of [
    ['is missing', undefined, /token cannot be read from .* \(ENOENT\)/],
    ['is empty', ' \n', /token is empty/],
    ['holds an invalid character', 'tiger\nlion', /token holds a character that is not allowed in a header/],
  ] as const) {
    it(`cause an error without the secret, and no request, when their file ${what}`, async () => {
      const file = join(folder, `broken-${what}`)
      if (content !== undefined) await writeFile(file, content)
      using place = await openDirectory(json(servers('weather')))
      await using source = openHttpSource({ url: `${place.url}/servers`, token: { file } })

      const error = errorIn((await source.next())[0])

      assert.match(error.message, reason)
      assert.doesNotMatch(error.message, /tiger|lion/)
      assert.equal(place.requests.length, 0)
    })
  }

  it('never appear in an error', async () => {
    const secret = 'tiger-lily-0815'
    using place = await openDirectory((request, response) =>
      response
        .writeHead(401, { 'www-authenticate': String(request.headers.authorization) })
        .end(request.headers.authorization),
    )
    const address = place.url.replace('//', `//user:${secret}@`)
    const urls = [`${address}/a`, `http://user:${secret}@127.0.0.1:1/b?token=${secret}`]
    await using source = openHttpSource({ urls, headers: { 'x-api-key': secret } })

    const readings = await source.next()

    for (const reading of readings) {
      const { message, stack, cause } = errorIn(reading)
      assert.doesNotMatch(`${reading.origin} ${message} ${stack} ${String(cause)}`, new RegExp(secret))
    }
  })
})

describe('a client certificate', () => {
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const file = (name: string) => ({ file: join(folder, name) })
  let missing: string | undefined
  before(() => {
    try {
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        'key.pem',
        '-out',
        'cert.pem',
        ...subject,
      )
    } catch {
      missing = 'openssl is not installed'
    }
  })

  it('is sent to a directory that requires it, and a private authority is trusted', async (test) => {
    if (missing) return test.skip(missing)
    const { readFile } = await import('node:fs/promises')
    const [key, cert] = [await readFile(join(folder, 'key.pem')), await readFile(join(folder, 'cert.pem'))]
    const server = createServer(
      { key, cert, ca: cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { authorized } = request.socket as TLSSocket
        json(authorized ? servers('weather') : servers('stranger'))(request, response)
      },
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `https://localhost:${(server.address() as AddressInfo).port}/servers`
    try {
      await using unknown = openHttpSource({ url })
      assert.match(errorIn((await unknown.next())[0]).message, /certificate/)
      await using trusting = openHttpSource({ url, tls: { ca: file('cert.pem') } })
      assert.deepEqual(namesIn((await trusting.next())[0]), ['stranger'])
      await using known = openHttpSource({
        url,
        tls: { ca: file('cert.pem'), cert: file('cert.pem'), key: file('key.pem') },
      })
      assert.deepEqual(namesIn((await known.next())[0]), ['weather'])
      await using careless = openHttpSource({ url, tls: { insecure: true } })
      assert.deepEqual(namesIn((await careless.next())[0]), ['stranger'])
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
