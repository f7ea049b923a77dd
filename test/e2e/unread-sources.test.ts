import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startKubeApi } from '../fakes/kube-api.ts'
import { startHere } from '../in-process-daemon.ts'
import { freePort } from '../programs.ts'
import { kubeconfigFor, service } from '../sources/kubernetes/observed-cluster.ts'
import { temporary, until } from './daemon-process.ts'

const noProbes = 'health: { enabled: false }\n'
/** The startup is over at once, so that only the sources decide. */
const noTimeout = 'ready: { timeout: 0 }\n'
const pathsOfLists = ['/discover', '/discover?format=claude', '/v0.1/servers', '/.well-known/ai-catalog.json']

/** A kubeconfig of an API server that is away. */
async function absentCluster() {
  return await kubeconfigFor({ url: `http://127.0.0.1:${await freePort()}` })
}

describe('sources that were never read', () => {
  it('answer formats without room for them with 503 and their names after the startup timeout, never with an empty list', async () => {
    await using kubeconfig = await absentCluster()
    await using daemon = await startHere(
      `${noProbes}${noTimeout}store: { type: memory }\nsources:\n  - { type: env }\n  - { type: kubernetes, name: cluster, kubeconfig: "${kubeconfig.path}" }\n  - { type: agents }\n`,
    )

    assert.equal((await daemon.get('/ready')).status, 200)
    for (const path of [...pathsOfLists, '/sd/prometheus']) {
      const { status, body, headers } = await daemon.ask('GET', path)
      assert.deepEqual([status, body['code'], body['syncing']], [503, 'not_ready', ['cluster']], path)
      assert.equal(headers.get('retry-after'), '1')
    }
  })

  it('are named in lists that hold the servers of others, which have no ETag', async () => {
    await using kubeconfig = await absentCluster()
    using folder = temporary()
    writeFileSync(folder.at('servers.yaml'), 'servers: { weather: { url: "http://weather.example/mcp" } }')
    await using daemon = await startHere(
      `${noProbes}${noTimeout}sources:\n  - { type: file, paths: [servers.yaml] }\n  - { type: kubernetes, name: cluster, kubeconfig: "${kubeconfig.path}" }\n`,
      { folder },
    )

    const discovered = await daemon.ask<{ servers: object; syncing: string[] }>('GET', '/discover')
    assert.deepEqual([discovered.status, Object.keys(discovered.body.servers)], [200, ['weather']])
    assert.deepEqual(discovered.body.syncing, ['cluster'])
    assert.equal(discovered.headers.get('etag'), null)
    const published = await daemon.ask<{ metadata: object }>('GET', '/v0.1/servers')
    assert.deepEqual(published.body.metadata, { count: 1, syncing: ['cluster'] })
    assert.equal((await daemon.ask('GET', '/discover?source=cluster')).status, 503)
    assert.equal((await daemon.ask('GET', '/discover?source=file')).status, 200)
  })

  it('keep the targets of Prometheus at 503 unless its filter leaves them out', async () => {
    await using kubeconfig = await absentCluster()
    using folder = temporary()
    writeFileSync(folder.at('servers.yaml'), 'servers: { weather: { url: "http://weather.example/mcp" } }')
    await using daemon = await startHere(
      `${noProbes}sources:\n  - { type: file, paths: [servers.yaml] }\n  - { type: kubernetes, name: cluster, kubeconfig: "${kubeconfig.path}" }\n`,
      { folder },
    )
    await until(async () => (await daemon.ask<{ count: number }>('GET', '/servers')).body.count === 1)

    const all = await daemon.ask('GET', '/sd/prometheus')
    const filtered = await daemon.ask<unknown[]>('GET', '/sd/prometheus?source=file')

    assert.deepEqual([all.status, all.body['syncing']], [503, ['cluster']])
    assert.match(String(all.body['detail']), /source=/)
    assert.deepEqual([filtered.status, filtered.body.length], [200, 1])
  })

  it('keep /ready at 503 however long where ready.require names them', async () => {
    await using kubeconfig = await absentCluster()
    const sources = `sources:\n  - { type: env }\n  - { type: kubernetes, name: cluster, kubeconfig: "${kubeconfig.path}" }\n`
    await using daemon = await startHere(`${noProbes}ready: { timeout: 0, require: [cluster] }\n${sources}`)
    const ready = async () => (await daemon.get('/ready')).status

    assert.equal(await ready(), 503)
    await daemon.reload(`${noProbes}ready: { timeout: 0, require: [env] }\n${sources}`)
    assert.equal(await ready(), 200)
    await assert.rejects(
      startHere(`ready: { require: [clutser] }\n${sources}`),
      /ready\.require\[0\].*no source "clutser".*did you mean "cluster"/s,
    )
  })

  it('show their stored readings in every list but the targets of Prometheus', async () => {
    using folder = temporary()
    await using kube = await startKubeApi()
    kube.store.put('services', service('weather'))
    await using kubeconfig = await kubeconfigFor(kube)
    const config = `${noProbes}${noTimeout}sources:\n  - { type: kubernetes, kubeconfig: "${kubeconfig.path}" }\n`
    {
      await using first = await startHere(config, { folder })
      await until(async () => (await first.get('/discover')).status === 200)
    }
    await kube.stop()
    await using second = await startHere(config, { folder })

    await until(async () => (await second.get('/discover')).status === 200)
    const { body } = await second.ask<{ servers: object; syncing: string[] }>('GET', '/discover')
    assert.deepEqual([Object.keys(body.servers), body.syncing], [['prod/weather'], ['kubernetes']])
    assert.equal((await second.get('/sd/prometheus')).status, 503)
  })

  it('make /health degraded before their first answer, and name in last_error and the log how many more origins fail', async () => {
    const [port, other] = [await freePort(), await freePort()]
    const records = `records: [_mcp._tcp.a.example., _mcp._tcp.b.example., _mcp._tcp.c.example.]`
    await using daemon = await startHere(
      `${noProbes}sources:\n  - { type: http, url: "http://127.0.0.1:${port}/" }\n  - { type: dns, ${records}, nameservers: ["127.0.0.1:${other}"], resolv_conf: /nowhere }\n  - { type: env }\n`,
    )

    const degraded = async () =>
      (await daemon.ask<{ degraded_sources?: string[] }>('GET', '/health')).body.degraded_sources
    await until(async () => (await degraded())?.length === 2)
    assert.deepEqual(await degraded(), ['http', 'dns'])
    const { body, status } = await daemon.ask('GET', '/health')
    assert.deepEqual([status, body['status']], [200, 'degraded'])
    const { body: source } = await daemon.ask<{ last_error: string; state: string }>('GET', '/sources/dns')
    assert.equal(source.state, 'starting')
    assert.match(source.last_error, /^_mcp\._tcp\..*\(and 2 more\)$/)
    const reasons = daemon.lines.filter(({ msg }) => msg === 'source degraded').map(({ reason }) => String(reason))
    assert.ok(
      reasons.some((reason) => reason.endsWith('(and 2 more)')),
      reasons.join('\n'),
    )
  })
})
