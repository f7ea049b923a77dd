import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { temporary } from '../../e2e/daemon-process.ts'
import { createTestMonitor, many, refused, urls, well } from '../../health/create-test-monitor.ts'
import { startHere } from '../../in-process-daemon.ts'
import { until } from '../../stores/builders.ts'
import { serve } from '../served-api.ts'

type Totals = {
  probes: number
  availability: number | null
  errors: Record<string, number>
  p50_ms: number | null
  p95_ms: number | null
  flaps: number
}
type Window = Totals & { bucket_seconds: number; buckets: (Totals & { at: string })[] }
type ServerStatistics = {
  id: string
  measured: boolean
  reason?: string
  timeline: { at: string; ok: boolean; reason: string; response_time_ms: number }[]
  windows: Record<string, Window>
}
type Summary = Window & { window: string; servers: number; measured: number; worst: (Totals & { id: string })[] }

/** An HTTP server whose status the test sets. */
async function probed() {
  const answer = { status: 200 }
  const server = createServer((_, response) => response.writeHead(answer.status).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`
  return { answer, url, [Symbol.dispose]: () => (server.closeAllConnections(), void server.close()) }
}

const configOf = (folder: ReturnType<typeof temporary>) =>
  `sources: [{ type: file, paths: [${folder.at('servers')}] }]\nhealth: { interval: 1h, thresholds: { failures: 1, successes: 1 } }\n`

/** Writes servers that are probed by HTTP; one a line: namespace, name, URL. */
function writeServers(folder: ReturnType<typeof temporary>, servers: [string, string, string][]): void {
  mkdirSync(folder.at('servers'), { recursive: true })
  const entries = servers.map(([namespace, name, url]) => ({
    name,
    namespace,
    url,
    health_check_url: url,
    health_check: 'http',
  }))
  writeFileSync(folder.at('servers', 'all.json'), JSON.stringify({ servers: entries }))
}

describe('the statistics of a server', () => {
  it('count what real probes show, and are there again after a restart', async () => {
    using folder = temporary()
    using weather = await probed()
    writeServers(folder, [['team-a', 'weather', weather.url]])
    const probe = async (daemon: Awaited<ReturnType<typeof startHere>>) =>
      assert.equal((await daemon.ask('POST', '/servers/team-a/weather/probe')).status, 200)
    let before: ServerStatistics
    {
      await using daemon = await startHere(configOf(folder), { folder })
      for (let n = 0; n < 6; n += 1) await probe(daemon)
      weather.answer.status = 503
      await probe(daemon)
      await probe(daemon)

      const { status, headers, body } = await daemon.ask<ServerStatistics>('GET', '/servers/team-a/weather/stats')

      before = body
      assert.equal(status, 200)
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(body.id, 'team-a/weather')
      assert.equal(body.measured, true)
      assert.deepEqual(Object.keys(body.windows), ['1h', '24h', '7d'])
      for (const [name, seconds, count] of [
        ['1h', 60, 60],
        ['24h', 900, 96],
        ['7d', 3600, 168],
      ] as const) {
        const window = body.windows[name]!
        assert.deepEqual([window.bucket_seconds, window.buckets.length], [seconds, count])
        assert.equal(window.errors['http_status'], 2)
        assert.equal(window.flaps, 1)
        assert.equal(window.availability, Math.round((1 - 2 / window.probes) * 1e6) / 1e6)
        assert.ok(window.p50_ms! > 0 && window.p95_ms! >= window.p50_ms!, JSON.stringify(window))
        const filled = window.buckets.filter(({ probes }) => probes > 0)
        assert.equal(
          filled.reduce((sum, { probes }) => sum + probes, 0),
          window.probes,
        )
      }
      assert.equal(body.timeline.length, body.windows['1h']!.probes)
      assert.deepEqual(
        body.timeline.slice(-3).map(({ ok, reason }) => [ok, reason]),
        [
          [true, 'ok'],
          [false, 'http_status'],
          [false, 'http_status'],
        ],
      )
      const metrics = await (await daemon.get('/metrics')).text()
      assert.match(metrics, /^roster_statistics_servers 1$/m)
      assert.match(metrics, /^roster_statistics_bytes [1-9]\d{3}$/m)
    }

    weather.answer.status = 200
    await using again = await startHere(configOf(folder), { folder })
    await probe(again)
    const read = async () =>
      (await again.ask<ServerStatistics>('GET', '/api/v1/servers/team-a/weather/stats?window=7d')).body
    // Reading the store is not waited for at the start.
    await until(async () => (await read()).windows['7d']!.probes > before.windows['7d']!.probes)
    const body = await read()

    assert.deepEqual(Object.keys(body.windows), ['7d'])
    const week = body.windows['7d']!
    assert.equal(week.errors['http_status'], 2)
    assert.deepEqual(body.timeline.slice(0, before.timeline.length), before.timeline)
    assert.equal(body.timeline.at(-1)?.ok, true)
  })

  it('are summed up over the servers that the filters and the token select, the worst first', async () => {
    using folder = temporary()
    using good = await probed()
    using bad = await probed()
    bad.answer.status = 500
    writeServers(folder, [
      ['team-a', 'good', good.url],
      ['team-a', 'bad', bad.url],
      ['team-b', 'other', good.url],
      ['default', 'stats', good.url],
    ])
    const bound = {
      tokens: [{ name: 'bound', token: 'bound-token-0123456789', role: 'reader', namespaces: ['team-a'] }],
    }
    const all = { name: 'all', token: 'admin-token-0123456789', role: 'admin' }
    const auth = `auth: ${JSON.stringify({ tokens: [...bound.tokens, all], anonymous: 'none' })}\n`
    await using daemon = await startHere(configOf(folder) + auth, { folder })
    const as = (token: string) => ({ authorization: `Bearer ${token}` })
    const [admin, reader] = [as(all.token), as(bound.tokens[0]!.token)]
    const summary = async (path: string, headers = admin) => {
      const answer = await daemon.ask<Summary>('GET', path, undefined, headers)
      assert.equal(answer.status, 200, answer.text)
      return answer.body
    }
    for (const id of ['team-a/good', 'team-a/bad', 'team-b/other'])
      assert.equal((await daemon.ask('POST', `/servers/${id}/probe`, undefined, admin)).status, 200)

    const whole = await summary('/stats?window=1h')
    const named = await summary('/stats?window=24h&name=bad')
    const seen = await summary('/stats?window=7d', reader)

    assert.deepEqual([whole.servers, whole.window, whole.buckets.length], [4, '1h', 60])
    assert.deepEqual(
      whole.worst.map(({ id, availability }) => [id, availability]),
      [['team-a/bad', 0]],
    )
    assert.equal(whole.errors['http_status'], whole.worst[0]?.errors['http_status'])
    assert.deepEqual([named.servers, named.measured, named.availability, named.p50_ms], [1, 1, 0, null])
    assert.equal(seen.servers, 2)
    assert.ok(seen.probes < whole.probes)

    const counts = await daemon.ask('GET', '/stats', undefined, reader)
    assert.equal(typeof counts.body['total_servers'], 'number')
    assert.ok(counts.headers.get('etag'))
    const statusOf = async (path: string, headers = admin) => (await daemon.ask('GET', path, undefined, headers)).status
    assert.equal(await statusOf('/servers/team-a/bad/stats', reader), 200)
    assert.equal(await statusOf('/servers/team-b/other/stats', reader), 404)
    assert.equal(await statusOf('/servers/team-a/none/stats'), 404)
    assert.equal(await statusOf('/servers/none/stats'), 404)
    for (const path of [
      '/stats?window=2h',
      '/stats?window=1h&limit=3',
      '/servers/team-a/bad/stats?window=x',
      '/servers/team-a/bad/stats?since=1',
    ])
      assert.equal(await statusOf(path), 400, path)
    // The server of that name, and then its statistics.
    const { body } = await daemon.ask('GET', '/servers/default/stats', undefined, admin)
    assert.equal(body['id'], 'default/stats')
    const ofDefault = await daemon.ask<ServerStatistics>('GET', '/servers/stats/stats?window=24h', undefined, admin)
    assert.deepEqual([ofDefault.body.id, Object.keys(ofDefault.body.windows)], ['default/stats', ['24h']])
  })
})

/** The API over a monitor whose clock the test moves. */
async function onFakeClock(config: object = {}) {
  const monitor = createTestMonitor({ config, random: () => 0.5 })
  const served = await serve({ parts: { registry: monitor.registry, statistics: monitor.monitor.statistics } })
  const stats = async (name: string) => {
    const response = await served.get(`/servers/${name}/stats`)
    assert.equal(response.status, 200)
    return (await response.json()) as ServerStatistics
  }
  return { ...monitor, stats, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const url = 'http://weather.example/mcp'

describe('the rings of a server', () => {
  it('hold each probe in the bucket of its time, and drop it at the end of the window', async () => {
    await using roster = await onFakeClock({ interval: 30 })
    roster.behave(url, { ...well, takesMs: 40 })
    roster.put({})
    await roster.pass(2 * hourMs)
    roster.behave(url, { ...refused, takesMs: 5 })
    await roster.pass(30 * minuteMs)

    const { windows } = await roster.stats('weather')
    const [hour, day, week] = [windows['1h']!, windows['24h']!, windows['7d']!]
    // Probes back off to twice the interval while they fail.
    assert.ok(hour.availability! > 0.6 && hour.availability! < 0.75, `${hour.availability}`)
    assert.ok(day.availability! > hour.availability!)
    assert.equal(day.probes, week.probes)
    assert.ok(Math.abs(hour.p50_ms! - 40) < 2 && Math.abs(day.p95_ms! - 40) < 2 && Math.abs(week.p50_ms! - 40) < 2)
    assert.deepEqual(Object.keys(hour.errors), ['refused'])
    assert.equal(hour.flaps, 2) // to degraded, and to unhealthy
    const last = hour.buckets.at(-2)!
    assert.deepEqual([last.availability, last.p50_ms], [0, null])
    assert.equal(hour.buckets[0]?.availability, 1)
    assert.equal(Date.parse(hour.buckets[1]!.at) - Date.parse(hour.buckets[0].at), minuteMs)

    roster.drop('weather')
    await roster.pass(23 * hourMs)
    roster.put({ health_check: 'none' })
    await roster.pass(2 * hourMs)
    const later = (await roster.stats('weather')).windows
    assert.deepEqual([later['1h']?.probes, later['1h']?.availability, later['7d']?.probes], [0, null, week.probes])
    assert.ok(later['24h']!.probes === 0)
    await roster.pass(7 * 24 * hourMs)
    assert.equal((await roster.stats('weather')).windows['7d']?.probes, 0)
  })

  it('tell fast from slow: the percentiles of a mixture, by minute and over the hour', async () => {
    await using roster = await onFakeClock({ interval: 2 })
    roster.put({})
    for (let n = 0; n < 30; n += 1) {
      roster.behave(url, { ...well, takesMs: n < 20 ? 20 : 400 })
      await roster.pass(minuteMs)
    }

    const { windows } = await roster.stats('weather')

    for (const name of ['1h', '24h', '7d']) {
      const { p50_ms, p95_ms } = windows[name]!
      assert.ok(Math.abs(p50_ms! / 20 - 1) < 0.06, `${name} p50 ${p50_ms}`)
      assert.ok(Math.abs(p95_ms! / 400 - 1) < 0.06, `${name} p95 ${p95_ms}`)
    }
    assert.ok(windows['1h']!.buckets.at(-2)!.p50_ms! > 350)
  })

  it('outlive a clock that steps back, and a server that left is forgotten after a day', async () => {
    await using roster = await onFakeClock({ interval: 30 })
    roster.put({})
    await roster.pass(10 * minuteMs)
    roster.step(-3 * hourMs)
    await roster.pass(5 * minuteMs)
    const hour = (await roster.stats('weather')).windows['1h']!
    assert.ok(hour.probes >= 9 && hour.probes <= 11, `${hour.probes}`)

    roster.drop('weather')
    assert.equal(roster.monitor.statistics.counts().servers, 1)
    await roster.pass(25 * hourMs)
    assert.deepEqual(roster.monitor.statistics.counts(), { servers: 0, bytes: 0 })
    assert.deepEqual(roster.monitor.statistics.takeForgotten(), ['default/weather'])
  })

  it('do not count failures while the daemon suspects its own network', async () => {
    await using roster = await onFakeClock({ interval: 30 })
    roster.put(...many(20))
    await roster.pass(10 * minuteMs)
    for (const url of urls(20)) roster.behave(url, refused)
    await roster.pass(10 * minuteMs)

    assert.ok(roster.monitor.selfPreservation())
    const windows = await Promise.all(many(20).map(async ({ name }) => (await roster.stats(name)).windows['1h']!))
    const failed = windows.reduce((sum, { errors }) => sum + (errors['refused'] ?? 0), 0)
    // Those that failed before most did.
    assert.ok(failed <= 12, `${failed} failures`)
    assert.ok(windows.every(({ probes }) => probes >= 18))
  })
})
