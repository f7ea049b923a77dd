import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openApi } from '../../src/api/api.ts'
import { Auth } from '../../src/api/config/auth.ts'
import { Cors } from '../../src/api/config/cors.ts'
import { Limits } from '../../src/api/config/limits.ts'
import { Listen } from '../../src/api/config/listen.ts'
import { createLog, type Log } from '../../src/log.ts'
import { createTestRegistry } from '../roster.ts'
import { parts, raw, read, serve } from './served.ts'

const json = async (answer: Response) => (await answer.json()) as Record<string, unknown>

/** A log whose lines can be read. */
function kept(): { log: Log; lines: () => Record<string, unknown>[] } {
  const written: string[] = []
  const log = createLog({ destination: { write: (line) => void written.push(line) } })
  return { log, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('operations', () => {
  it('call the daemon degraded, and still well enough to be asked, while a source fails', async () => {
    const { supervisor } = parts()
    const status = { name: 'partner', state: 'stale' } as ReturnType<typeof supervisor.sources>[number]
    await using served = await serve({ parts: { supervisor: { ...supervisor, sources: () => [status] } } })

    const answer = await served.get('/health')
    const body = await json(answer)

    assert.equal(answer.status, 200)
    assert.equal(body['status'], 'degraded')
    assert.deepEqual(body['degraded_sources'], ['partner'])
  })

  it('count how long the daemon has been up from its start, not from the first who asks', async () => {
    await using served = await serve({})
    const least = Math.floor(process.uptime() * 10) / 10

    const { uptime_seconds } = await json(await served.get('/health'))

    assert.ok(Number(uptime_seconds) >= least, `${String(uptime_seconds)} s, not ${least}`)
  })

  it('call the daemon degraded while nothing can be stored', async () => {
    let status: 'up' | 'down' = 'down'
    await using served = await serve({ parts: { store: () => ({ status }) } })

    const down = await json(await served.get('/health'))
    status = 'up'
    const up = await json(await served.get('/health'))

    assert.deepEqual([down['status'], down['store']], ['degraded', 'down'])
    assert.deepEqual([up['status'], up['store']], ['healthy', undefined])
  })

  it('say how to leave self-suspicion, and leave it', async () => {
    const { monitor } = parts()
    let suspicion: ReturnType<typeof monitor.selfPreservation> = { since: 's', until: 'u', failing: 12, of: 20 }
    const doubting = {
      ...monitor,
      selfPreservation: () => suspicion,
      endSelfPreservation: () => (suspicion = undefined),
    }
    await using served = await serve({ parts: { monitor: doubting } })

    const before = JSON.stringify(await json(await served.get('/sources')))
    await served.get('/-/trust-probes', { method: 'POST' })

    assert.match(before, /POST \/-\/trust-probes/)
    assert.doesNotMatch(JSON.stringify(await json(await served.get('/health'))), /suspicion/)
  })

  it('are not ready until every source has answered, and name those waited for', async () => {
    const { supervisor } = parts()
    const waiting = ['partner']
    const starting = { ...supervisor, syncing: () => waiting, ready: () => waiting.length === 0 }
    await using served = await serve({ parts: { supervisor: starting } })

    const before = await served.get('/readyz')
    const list = await json(await served.get('/servers'))
    waiting.pop()

    assert.equal(before.status, 503)
    assert.deepEqual((await json(before))['syncing'], ['partner'])
    assert.deepEqual(list['syncing'], ['partner'])
    assert.equal((await served.get('/ready')).status, 200)
  })

  it('keep the old config when the new one is not valid', async () => {
    await using served = await serve({
      parts: { reload: () => Promise.resolve({ applied: false, reason: 'line 3: no' }) },
    })

    const answer = await served.get('/-/reload', { method: 'POST' })

    assert.equal(answer.status, 422)
    assert.match(String((await json(answer))['detail']), /line 3: no/)
  })

  it('tell nothing of a fault but the id that finds it in the log', async () => {
    const { log, lines } = kept()
    const reload = () => Promise.reject(new Error('canary-secret in the message'))
    await using served = await serve({ parts: { reload, log } })

    const answer = await served.get('/-/reload', { method: 'POST' })
    const text = await answer.text()

    assert.equal(answer.status, 500)
    assert.doesNotMatch(text, /canary/)
    const id = (JSON.parse(text) as { request_id: string }).request_id
    assert.equal(answer.headers.get('x-request-id'), id)
    assert.ok(lines().some(({ request_id, msg }) => request_id === id && msg === 'request failed'))
  })

  it('count servers in the words of the original registry', async () => {
    const servers = [
      { name: 'a', tags: ['x', 'y'] },
      { name: 'b', tags: ['x'], enabled: false },
      { name: 'c', status: 'unhealthy', type: 'sse' },
    ] as const
    await using served = await serve({ servers })

    const stats = await json(await served.get('/stats'))
    const tags = await json(await served.get('/tags'))

    assert.deepEqual(tags['tags'], { x: 2, y: 1 })
    assert.equal(stats['total_servers'], 3)
    assert.equal(stats['enabled_servers'], 2)
    assert.equal(stats['unhealthy_servers'], 1)
    assert.deepEqual(stats['discovery_methods'], { config_file: 3 })
    assert.deepEqual(stats['by_type'], { http: 2, sse: 1 })
  })

  it('check a server now and answer with the outcome', async () => {
    const outcome = {
      ok: false,
      reason: 'refused',
      status: 'degraded',
      response_time_ms: 1,
      checked_at: 'now',
      suspected: false,
    } as const
    const monitor = { ...parts().monitor, probe: () => Promise.resolve(outcome) }
    await using served = await serve({ servers: [{ name: 'a/b c' }], parts: { monitor } })
    const check = (path: string) => served.get(`/servers/${path}/check`, { method: 'POST' })

    const found = await check('a%2Fb%20c')

    assert.equal(found.status, 200)
    assert.deepEqual([(await json(found))['reason'], (await check('nobody')).status], ['refused', 404])
    assert.equal((await check('default/a%2Fb%20c')).status, 200)
  })

  it('show metrics, or say that they are switched off', async () => {
    await using on = await serve({
      parts: {
        metrics: {
          text: () => Promise.resolve('roster_servers 1\n'),
          json: () => ({ total_agents: 0 }),
          default: () => 'prometheus',
        },
      },
    })
    await using off = await serve()

    const shown = await on.get('/metrics')

    assert.match(shown.headers.get('content-type') ?? '', /^text\/plain/)
    assert.equal(await shown.text(), 'roster_servers 1\n')
    assert.equal((await off.get('/metrics')).status, 404)
  })

  for (const otherwise of ['prometheus', 'json'] as const) {
    it(`show metrics in the form that is asked for, and as ${otherwise} where the config says so`, async () => {
      const forms = { text: () => Promise.resolve('text 1\n'), json: () => ({ total_agents: 0 }) }
      await using served = await serve({ parts: { metrics: { ...forms, default: () => otherwise } } })
      const form = async (path: string, accept?: string) => {
        const answer = await served.get(path, accept === undefined ? {} : { headers: { accept } })
        return answer.headers.get('content-type')?.startsWith('application/json') ? 'json' : 'prometheus'
      }

      assert.equal(await form('/metrics'), otherwise)
      assert.equal(await form('/metrics', '*/*'), otherwise)
      assert.equal(await form('/metrics', 'application/json'), 'json')
      assert.equal(await form('/metrics?format=json'), 'json')
      assert.equal(await form('/metrics', 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'), 'prometheus')
      assert.equal(await form('/metrics/prometheus', 'application/json'), 'prometheus')
    })
  }
})

describe('the opened API', () => {
  const rules = {
    auth: Auth.parse({}),
    cors: Cors.parse({}),
    limits: Limits.parse({}),
    listen: Listen.parse({ host: '127.0.0.1', port: 0 }),
  }

  it('takes another token while it serves, and forgets the old one', async () => {
    const { log } = kept()
    await using api = await openApi({ rules, ports: parts(), log })
    const reload = (token: string) =>
      fetch(`${api.url}/-/reload`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })

    api.apply({ ...rules, auth: Auth.parse({ token: 'first' }) })
    const first = await reload('first')
    api.apply({ ...rules, auth: Auth.parse({ token: 'second' }) })

    assert.deepEqual([first.status, (await reload('first')).status, (await reload('second')).status], [200, 401, 200])
  })

  it('lets a body come that is as long as a reload allows', async () => {
    const auth = Auth.parse({ token: 'known' })
    const started = { ...rules, auth, limits: Limits.parse({ max_body_bytes: 1024 }) }
    await using api = await openApi({ rules: started, ports: parts(), log: kept().log })
    const head = 'POST /-/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 5000'
    const ask = (token: string) =>
      raw(api.port, `${head}\r\nauthorization: Bearer ${token}\r\nexpect: 100-continue\r\n\r\n`)

    api.apply({ ...started, limits: Limits.parse({ max_body_bytes: 10_000 }) })

    assert.match(await ask('known'), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    assert.match(await ask('unknown'), /^HTTP\/1\.1 401 /)
  })

  it('knows what is published no more since the start, whatever was asked first', async () => {
    const roster = createTestRegistry()
    roster.put({ name: 'weather' })
    await using api = await openApi({ rules, ports: parts(roster), log: kept().log })
    roster.drop('weather')

    const { metadata } = await json(await fetch(`${api.url}/v0.1/servers?include_deleted=true`))

    assert.deepEqual(metadata, { count: 1 })
  })

  it('writes an access log when asked, without queries or tokens, and counts requests', async () => {
    const { log, lines } = kept()
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

  it('answers a body announced too large before it is sent', async () => {
    await using served = await serve()
    const head = 'POST /-/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n'

    const large = await served.raw(`${head}content-length: 104857600\r\nexpect: 100-continue\r\n\r\n`)
    assert.equal(read(large).status, 413)
  })

  it('answers what is expected beyond that in its turn, and a HEAD without a body', async () => {
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
