import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startKubeApi } from '../fakes/kube-api.ts'
import { startHere } from '../in-process-daemon.ts'
import { srv, startNameserver } from '../sources/dns/test-nameserver.ts'
import { openDirectory, json, servers } from '../sources/http/test-directory.ts'
import { kubeconfigFor, service } from '../sources/kubernetes/observed-cluster.ts'
import { openTestRoster } from '../sources/roster/test-roster.ts'
import { temporary, until } from './daemon-process.ts'

type Listed = { servers: { name: string; stale: boolean }[]; syncing?: string[] }
type Here = Awaited<ReturnType<typeof startHere>>

const record = '_mcp._tcp.example.org'
const probed = 'health: { enabled: false }\n'

async function listOf(daemon: Here): Promise<Listed> {
  return (await daemon.ask<Listed>('GET', '/servers')).body
}

describe('a restart', () => {
  it('restart with every pulled source down shows the stored list as stale and names the syncing sources', async () => {
    using folder = temporary()
    using directory = await openDirectory(json(servers('from-http')))
    const nameserver = await startNameserver(({ type }) =>
      type === 33 ? { answers: [srv(record, 'from-dns.example.org')] } : {},
    )
    const far = await openTestRoster({ servers: [{ name: 'from-roster', headers: { Authorization: 'Bearer x' } }] })
    const kube = await startKubeApi()
    kube.store.put('services', service('from-kubernetes'))
    await using kubeconfig = await kubeconfigFor(kube)
    const config = `${probed}sources:
  - { type: http, url: "${directory.url}/servers.json" }
  - { type: dns, records: [${record}.], nameservers: ["${nameserver.address}"], resolv_conf: /nowhere }
  - { type: roster, url: "${far.url}" }
  - { type: kubernetes, kubeconfig: "${kubeconfig.path}" }
`
    let before: string[] = []
    {
      await using first = await startHere(config, { folder })
      await until(async () => (await listOf(first)).servers.length === 4)
      before = (await listOf(first)).servers.map(({ name }) => name)
      assert.equal((await first.get('/ready')).status, 200)
    }
    directory.close()
    nameserver.close()
    await far.stop()
    await kube.stop()

    await using second = await startHere(config, { folder })
    await until(async () => (await listOf(second)).servers.length === 4)

    const { servers: shown, syncing } = await listOf(second)
    assert.deepEqual(
      shown.map(({ name }) => name),
      before,
    )
    assert.ok(shown.every(({ stale }) => stale))
    assert.deepEqual(syncing, ['http', 'dns', 'roster', 'kubernetes'])
    assert.equal((await second.get('/ready')).status, 503)
    // Formats without room for the syncing sources answer 503: their pollers take missing servers for deleted.
    for (const path of ['/sd/prometheus', '/discover', '/discover?format=claude'])
      assert.equal((await second.get(path)).status, 503, path)
  })

  it('restart with other source settings starts empty and restores the readings under the old settings', async () => {
    using folder = temporary()
    using directory = await openDirectory(json(servers('from-http')))
    const config = (more: string) =>
      `${probed}sources:\n  - { type: http, url: "${directory.url}/servers.json"${more} }\n`
    {
      await using first = await startHere(config(''), { folder })
      await until(async () => (await listOf(first)).servers.length === 1)
    }
    directory.close()

    await using second = await startHere(config(', prefix: other-'), { folder })
    assert.deepEqual((await listOf(second)).servers, [])
    await second.reload(config(''))
    await until(async () => (await listOf(second)).servers.some(({ stale }) => stale))
  })
})
