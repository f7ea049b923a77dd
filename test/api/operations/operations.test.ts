import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestLog } from '../../test-log.ts'
import { parts, serve } from '../served-api.ts'

const json = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('the routes of the daemon', () => {
  it('report "degraded" with status 200 while a source fails', async () => {
    const { supervisor } = parts()
    const status = { name: 'partner', state: 'stale' } as ReturnType<typeof supervisor.sources>[number]
    await using served = await serve({ parts: { supervisor: { ...supervisor, sources: () => [status] } } })

    const response = await served.get('/health')
    const body = await json(response)

    assert.equal(response.status, 200)
    assert.equal(body['status'], 'degraded')
    assert.deepEqual(body['degraded_sources'], ['partner'])
  })

  it('name the service as clients of the mesh registry know it, unless the config says otherwise', async () => {
    let service = 'mcp-mesh-registry'
    await using served = await serve({ parts: { service: () => service } })
    const named = async () => [
      (await json(await served.get('/health')))['service'],
      (await json(await served.get('/')))['service'],
    ]

    assert.deepEqual(await named(), ['mcp-mesh-registry', 'mcp-mesh-registry'])
    service = 'roster-eu'
    assert.deepEqual(await named(), ['roster-eu', 'roster-eu'])
  })

  it('give the health of a HEAD request in headers', async () => {
    await using served = await serve({})

    const { status, headers } = await served.get('/health', { method: 'HEAD' })

    assert.equal(status, 200)
    assert.deepEqual([headers.get('x-health-status'), headers.get('x-service-version')], ['healthy', '0.0.0'])
    assert.match(headers.get('x-uptime-seconds') ?? '', /^\d+$/)
  })

  it('count the uptime from the start of the process', async () => {
    await using served = await serve({})
    const minUptime = Math.floor(process.uptime() * 10) / 10

    const { uptime_seconds } = await json(await served.get('/health'))

    assert.ok(Number(uptime_seconds) >= minUptime, `${String(uptime_seconds)} s, not ${minUptime}`)
  })

  it('report "degraded" while the store is down', async () => {
    let status: 'up' | 'down' = 'down'
    await using served = await serve({ parts: { store: () => ({ status }) } })

    const down = await json(await served.get('/health'))
    status = 'up'
    const up = await json(await served.get('/health'))

    assert.deepEqual([down['status'], down['store']], ['degraded', 'down'])
    assert.deepEqual([up['status'], up['store']], ['healthy', undefined])
  })

  it('name the way out of self-preservation, and take it', async () => {
    const { monitor } = parts()
    let suspicion: ReturnType<typeof monitor.selfPreservation> = { since: 's', until: 'u', failing: 12, of: 20 }
    const doubting = {
      ...monitor,
      selfPreservation: () => suspicion,
      endSelfPreservation: () => (suspicion = undefined),
    }
    await using served = await serve({ parts: { monitor: doubting } })

    const before = JSON.stringify(await json(await served.get('/sources')))
    const planned = await json(await served.get('/-/trust-probes?dry_run', { method: 'POST' }))
    assert.deepEqual(planned['dry_run'], true)
    assert.match(JSON.stringify(await json(await served.get('/health'))), /suspicion/)
    await served.get('/-/trust-probes', { method: 'POST' })

    assert.match(before, /POST \/-\/trust-probes/)
    assert.doesNotMatch(JSON.stringify(await json(await served.get('/health'))), /suspicion/)
  })

  it('are not ready until every source has answered, and name the missing ones', async () => {
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

  it('response 422 to a reload of an invalid config', async () => {
    await using served = await serve({
      parts: { reload: () => Promise.resolve({ applied: false, reason: 'line 3: no' }) },
    })

    const response = await served.get('/-/reload', { method: 'POST' })

    assert.equal(response.status, 422)
    assert.match(String((await json(response))['detail']), /line 3: no/)
  })

  it('show only the id of the log entry of an internal error', async () => {
    const { log, lines } = createTestLog()
    const reload = () => Promise.reject(new Error('canary-secret in the message'))
    await using served = await serve({ parts: { reload, log } })

    const response = await served.get('/-/reload', { method: 'POST' })
    const text = await response.text()

    assert.equal(response.status, 500)
    assert.doesNotMatch(text, /canary/)
    const id = (JSON.parse(text) as { request_id: string }).request_id
    assert.equal(response.headers.get('x-request-id'), id)
    assert.ok(lines().some(({ request_id, msg }) => request_id === id && msg === 'request failed'))
  })

  it('serve metrics, or 404 where they are disabled', async () => {
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

  for (const defaultFormat of ['prometheus', 'json'] as const) {
    it(`serve metrics in the requested format, and as ${defaultFormat} by default`, async () => {
      const forms = { text: () => Promise.resolve('text 1\n'), json: () => ({ total_agents: 0 }) }
      await using served = await serve({ parts: { metrics: { ...forms, default: () => defaultFormat } } })
      const form = async (path: string, accept?: string) => {
        const response = await served.get(path, accept === undefined ? {} : { headers: { accept } })
        return response.headers.get('content-type')?.startsWith('application/json') ? 'json' : 'prometheus'
      }

      assert.equal(await form('/metrics'), defaultFormat)
      assert.equal(await form('/metrics', '*/*'), defaultFormat)
      assert.equal(await form('/metrics', 'application/json'), 'json')
      assert.equal(await form('/metrics?format=json'), 'json')
      assert.equal(await form('/metrics', 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'), 'prometheus')
      assert.equal(await form('/metrics/prometheus', 'application/json'), 'prometheus')
    })
  }
})
