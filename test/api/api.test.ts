import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openApi } from '../../src/api/api.ts'
import { Auth } from '../../src/api/config/auth.ts'
import { Cors } from '../../src/api/config/cors.ts'
import { Limits } from '../../src/api/config/limits.ts'
import { Listen } from '../../src/api/config/listen.ts'
import { createTestLog } from '../test-log.ts'
import { createTestRegistry } from '../test-registry.ts'
import { parts, raw, read, serve } from './served-api.ts'

const json = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('the API', () => {
  const rules = {
    auth: Auth.parse({}),
    cors: Cors.parse({}),
    limits: Limits.parse({}),
    listen: Listen.parse({ host: '127.0.0.1', port: 0 }),
  }

  it('replaces a token while it serves', async () => {
    const { log } = createTestLog()
    await using api = await openApi({ rules, ports: parts(), log })
    const reload = (token: string) =>
      fetch(`${api.url}/-/reload`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })

    api.apply({ ...rules, auth: Auth.parse({ token: 'first' }) })
    const first = await reload('first')
    api.apply({ ...rules, auth: Auth.parse({ token: 'second' }) })

    assert.deepEqual([first.status, (await reload('first')).status, (await reload('second')).status], [200, 401, 200])
  })

  it('applies a new body limit while it serves', async () => {
    const auth = Auth.parse({ token: 'known' })
    const started = { ...rules, auth, limits: Limits.parse({ max_body_bytes: 1024 }) }
    await using api = await openApi({ rules: started, ports: parts(), log: createTestLog().log })
    const head = 'POST /-/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 5000'
    const ask = (token: string) =>
      raw(api.port, `${head}\r\nauthorization: Bearer ${token}\r\nexpect: 100-continue\r\n\r\n`)

    api.apply({ ...started, limits: Limits.parse({ max_body_bytes: 10_000 }) })

    assert.match(await ask('known'), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    assert.match(await ask('unknown'), /^HTTP\/1\.1 401 /)
  })

  it('lists servers deleted since its start, also before the first request of the official API', async () => {
    const roster = createTestRegistry()
    roster.put({ name: 'weather' })
    await using api = await openApi({ rules, ports: parts(roster), log: createTestLog().log })
    roster.drop('weather')

    const { metadata } = await json(await fetch(`${api.url}/v0.1/servers?include_deleted=true`))

    assert.deepEqual(metadata, { count: 1 })
  })

  it('writes an access log without queries and tokens, and counts requests', async () => {
    const { log, lines } = createTestLog()
    const roster = createTestRegistry()
    roster.put({ name: 'weather' })
    await using api = await openApi({ rules, ports: parts(roster), log, accessLog: true })

    await (await fetch(`${api.url}/servers?q=canary`, { headers: { authorization: 'Bearer canary' } })).text()
    await (await fetch(`${api.url}/nowhere`, { method: 'POST' })).text()

    assert.equal(api.counts().get('GET 200'), 1)
    assert.equal(api.counts().get('POST 404'), 1)
    assert.deepEqual(
      lines().map(({ method, path, status }) => [method, path, status]),
      [
        ['GET', '/servers', 200],
        ['POST', '/nowhere', 404],
      ],
    )
    assert.doesNotMatch(JSON.stringify(lines()), /canary/)
  })

  it('answers 413 to an announced body before it is sent', async () => {
    await using served = await serve()
    const head = 'POST /-/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n'

    const large = await served.raw(`${head}content-length: 104857600\r\nexpect: 100-continue\r\n\r\n`)
    assert.equal(read(large).status, 413)
  })

  it('answers 417 to an unknown expectation in order, and to HEAD without a body', async () => {
    await using served = await serve()
    const odd = 'HTTP/1.1\r\nhost: localhost\r\nexpect: a-pony\r\n\r\n'

    const pipelined = await served.raw(`GET /sources HTTP/1.1\r\nhost: localhost\r\n\r\nPOST /-/reload ${odd}`)
    const bare = await served.raw(`HEAD /sources ${odd}`)

    assert.deepEqual(
      [...pipelined.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status),
      ['200', '417'],
    )
    assert.match(bare, /^HTTP\/1\.1 417 [^]*\r\n\r\n$/)
  })
})
