import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TokenGrant } from '../../../../src/api/config/auth.ts'
import { createAuthenticator } from '../../../../src/api/http/access/authenticator.ts'
import { read, serve } from '../../served-api.ts'

const admin: TokenGrant = { name: 'ops', token: 'let-me-in', role: 'admin', secrets: false }
const auditor: TokenGrant = { name: 'audit', token: 'show-me', role: 'reader', secrets: true }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('access', () => {
  it('is unrestricted on loopback without a configured token', async () => {
    await using served = await serve()

    assert.equal((await served.get('/-/reload', { method: 'POST' })).status, 200)
  })

  it('is read-only beyond loopback without a configured token, with a warning that names the remedy', async () => {
    await using served = await serve({ guard: { loopback: false } })

    const refused = await served.get('/-/reload', { method: 'POST' })

    assert.equal((await served.get('/servers')).status, 200)
    assert.equal(refused.status, 403)
    assert.match(
      ((await refused.json()) as { detail: string }).detail,
      /Role "admin" required: send a bearer token with this role/,
    )
    assert.match(createAuthenticator({ tokens: [], loopback: false }).warning ?? '', /AUTH_TOKEN.*auth\.anonymous/)
    assert.equal(createAuthenticator({ tokens: [admin], loopback: false }).warning, undefined)
  })

  it('needs the role of a token, and an invalid token gets 401 even where anonymous clients may read', async () => {
    await using served = await serve({ tokens: [admin] })

    const reload = (headers?: Record<string, string>) =>
      served.get('/-/reload', { method: 'POST', ...(headers ? { headers } : {}) })
    const wrong = await served.get('/servers', { headers: bearer('let-me-inn') })

    assert.equal((await reload(bearer('let-me-in'))).status, 200)
    assert.equal((await reload({ authorization: 'bearer   let-me-in ' })).status, 200)
    assert.equal((await reload()).status, 403)
    assert.equal((await reload({ authorization: 'Basic bGV0LW1lLWlu' })).status, 401)
    assert.equal((await reload({ authorization: 'let-me-in' })).status, 401)
    assert.equal((await served.get('/servers')).status, 200)
    assert.equal(wrong.status, 401)
    assert.match(wrong.headers.get('www-authenticate') ?? '', /^Bearer/)
    assert.doesNotMatch(await wrong.text(), /let-me/)
  })

  it('takes a token in the credentials of a URL, as password or as user without one', async () => {
    await using served = await serve({ tokens: [admin] })

    const reload = async (credentials: string) => {
      const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
      return (await served.get('/-/reload', { method: 'POST', headers: { authorization } })).status
    }

    assert.deepEqual(
      await Promise.all(
        ['agent:let-me-in', ':let-me-in', 'let-me-in:', 'let-me-in:other', 'agent:let-me', ':'].map(reload),
      ),
      [200, 200, 200, 401, 401, 401],
    )
  })

  for (const [anonymous, remedy] of [
    ['none', /Send a token of this registry \(auth\.tokens, AUTH_TOKEN\); requests without one are rejected too\./],
    ['reader', /Send a valid one, or none to read anonymously\./],
    ['registrar', /Send a valid one, or none to act as registrar\./],
  ] as const) {
    it(`with an invalid token is told the remedy with anonymous: ${anonymous}`, async () => {
      await using served = await serve({ tokens: [admin], anonymous })

      const { detail } = (await (await served.get('/servers', { headers: bearer('wrong') })).json()) as {
        detail: string
      }

      assert.match(detail, remedy)
    })
  }

  it('without a token is limited to the readiness routes with anonymous: none', async () => {
    await using served = await serve({ tokens: [admin], anonymous: 'none' })

    assert.equal((await served.get('/servers')).status, 401)
    assert.equal((await served.get('/sources')).status, 401)
    assert.equal((await served.get('/readyz')).status, 200)
    assert.equal((await served.get('/servers', { headers: bearer('let-me-in') })).status, 200)
  })

  it('to secrets needs the right of the token', async () => {
    const secret = { name: 'weather', headers: { authorization: 'canary-secret' } }
    await using served = await serve({ servers: [secret], tokens: [admin, auditor] })

    const shown = await served.get('/servers/weather?secrets=true', { headers: bearer('show-me') })
    const refused = await served.get('/servers/weather?secrets=true', { headers: bearer('let-me-in') })

    assert.match(await shown.text(), /canary-secret/)
    assert.equal(shown.headers.get('cache-control'), 'no-store')
    assert.equal(shown.headers.get('etag'), null)
    assert.equal(refused.status, 403)
    assert.match(await refused.text(), /"right_needed":"secrets"/)
  })

  it('to secrets includes only the requested fields', async () => {
    const secret = { name: 'weather', headers: { authorization: 'canary-secret' }, env: { KEY: 'canary-key' } }
    await using served = await serve({ servers: [secret], tokens: [auditor] })
    const shown = async (query: string) => {
      const answer = await served.get(`/servers?secrets=true&${query}`, { headers: bearer('show-me') })
      return ((await answer.json()) as { servers: object[] }).servers
    }

    assert.deepEqual(await shown('fields=id,headers'), [
      { id: 'default/weather', headers: { authorization: 'canary-secret' } },
    ])
    assert.deepEqual(await shown('fields=id&view=full'), [{ id: 'default/weather' }])
  })

  it('gets 400 that names an invalid or repeated secrets parameter', async () => {
    await using served = await serve({ servers: [{ name: 'weather' }], tokens: [auditor] })
    const paths = ['/servers', '/servers/weather', '/discover']

    for (const path of paths) {
      for (const query of ['secrets=yes', 'secrets=true&secrets=false', 'secrets=true&secrets=true']) {
        const answer = await served.get(`${path}?${query}`, { headers: bearer('show-me') })
        const problem = (await answer.json()) as { parameter: string; detail: string }

        assert.deepEqual([path, query, answer.status, problem.parameter], [path, query, 400, 'secrets'])
        assert.match(problem.detail, /^secrets: /)
      }
      assert.equal((await served.get(`${path}?secrets=0`)).status, 200)
    }
    assert.equal((await served.get('/servers/weather?view=all')).status, 400)
  })

  it('is read-only for a page of another origin, even with a token', async () => {
    await using served = await serve({
      tokens: [admin],
      guard: { cors: { origins: ['*'], methods: ['GET', 'POST'], headers: [] } },
    })

    const write = (origin: string) =>
      served.get('/-/reload', { method: 'POST', headers: { ...bearer('let-me-in'), origin } })

    assert.equal((await write('https://evil.example')).status, 403)
    assert.equal((await write('null')).status, 403)
    assert.equal((await write(served.url)).status, 200)
  })

  it('has CORS headers for a page of a configured origin, also on errors', async () => {
    const origin = 'https://portal.example'
    const cors = { origins: [origin], methods: ['GET', 'POST'], headers: ['authorization'] }
    await using served = await serve({ guard: { cors } })

    const missing = await served.get('/servers/missing', { headers: { origin } })
    const list = await served.get('/servers', { headers: { origin } })
    const foreign = await served.get('/servers', { headers: { origin: 'https://evil.example' } })

    assert.equal(missing.status, 404)
    assert.equal(missing.headers.get('access-control-allow-origin'), origin)
    assert.equal(list.headers.get('access-control-allow-origin'), origin)
    assert.match(list.headers.get('vary') ?? '', /Origin/)
    assert.equal(list.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(foreign.status, 200)
    assert.equal(foreign.headers.get('access-control-allow-origin'), null)
    assert.equal((await served.get('/-/reload', { method: 'POST', headers: { origin } })).status, 200)
  })

  it('needs no token for the preflight of a configured origin', async () => {
    const portal = 'https://portal.example'
    const cors = { origins: [portal], methods: ['GET'], headers: ['authorization'] }
    await using served = await serve({ tokens: [admin], anonymous: 'none', guard: { cors } })
    const ask = async (origin: string, asked: Record<string, string>) =>
      (await served.get('/servers', { method: 'OPTIONS', headers: { origin, ...asked } })).status
    const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }

    assert.equal(await ask(portal, preflight), 204)
    assert.equal(await ask('https://evil.example', preflight), 403)
    assert.equal(await ask(portal, {}), 401)
  })

  it('is open to pages of every origin for the public catalogues only', async () => {
    await using served = await serve()
    const ask = async (path: string, method: string) => {
      const lines = [
        `OPTIONS ${path} HTTP/1.1`,
        'host: localhost',
        'origin: https://any.example',
        `access-control-request-method: ${method}`,
      ]
      return read(await served.raw(`${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`))
    }

    const open = await ask('/v0.1/servers', 'GET')
    const statuses = await Promise.all(
      (
        [
          ['/v0.1/servers', 'POST'],
          ['/v0.1x/servers', 'GET'],
          ['/servers', 'GET'],
          ['/servers', 'POST'],
        ] as const
      ).map(async ([path, method]) => (await ask(path, method)).status),
    )

    assert.equal(open.status, 204)
    assert.match(open.head, /access-control-allow-origin: \*/)
    assert.deepEqual(statuses, [403, 403, 403, 403])
  })

  for (const [host, status] of [
    ['localhost', 200],
    ['LOCALHOST:1234', 200],
    ['127.0.0.2:80', 200],
    ['[::1]:8000', 200],
    ['roster.internal', 200],
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['169.254.169.254', 421],
    ['', 400],
    ['local host', 400],
    ['user@localhost', 400],
    ['localhost/..', 400],
  ] as const) {
    it(`gets ${status} with the host "${host}" on loopback`, async () => {
      await using served = await serve({ guard: { hosts: ['Roster.internal'] } })

      const answer = read(await served.raw(`GET /servers HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`))

      assert.equal(answer.status, status)
    })
  }

  for (const [host, status] of [
    ['roster.internal:8000', 200],
    ['ROSTER.INTERNAL', 200],
    ['ROSTER.internal.:8000', 200],
    ['roster.internal..', 421],
    ['other.internal', 200],
    ['localhost', 200],
    ['localhost.', 200],
    // No name can be rebound to an address in a Host header, and orchestrators probe by address.
    ['10.1.2.3:8000', 200],
    ['[fd00::1]', 200],
    ['evil.example', 421],
    ['roster.internal.evil.example', 421],
    ['10.1.2.3.evil.example', 421],
  ] as const) {
    it(`gets ${status} with the host "${host}" beyond loopback where listen.hosts is set`, async () => {
      await using served = await serve({
        anonymous: 'registrar',
        guard: { loopback: false, hosts: ['Roster.internal', 'OTHER.internal.:8000'] },
      })
      const body = JSON.stringify({ id: 'a', endpoint: 'http://a.example/' })
      const post = `POST /agents HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`

      const got = read(await served.raw(`GET /servers HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`))
      const posted = read(await served.raw(`${post}connection: close\r\n\r\n${body}`))

      assert.equal(got.status, status)
      assert.equal(posted.status === 421, status === 421)
      if (status === 421) assert.match(got.body, /listen\.hosts/)
    })
  }

  it('may have any host beyond loopback without listen.hosts', async () => {
    await using served = await serve({ guard: { loopback: false } })

    const answer = read(await served.raw('GET /servers HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n\r\n'))

    assert.equal(answer.status, 200)
  })
})
