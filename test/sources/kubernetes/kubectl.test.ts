import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type KubeApi, startKubeApi } from '../../fakes/kube-api.ts'
import { configMap, kubeconfigFor, service, observeCluster } from './observed-cluster.ts'

const skip = spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'kubectl is not installed'

/** Runs the real client against the fake API server. */
async function kubectl(api: KubeApi, args: readonly string[], input?: unknown): Promise<string> {
  await using config = await kubeconfigFor(api)
  const options = ['--kubeconfig', config.path, '--cache-dir', config.directory, '--request-timeout', '10s', ...args]
  const running = promisify(execFile)('kubectl', options, { env: { ...process.env, HOME: tmpdir() }, timeout: 15_000 })
  if (input !== undefined) running.child.stdin?.write(JSON.stringify(input))
  running.child.stdin?.end()
  return (await running).stdout
}

describe('fake API server driven by kubectl', { skip }, () => {
  it('accepts apply, label and delete, and the source follows each', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api)
    await cluster.until('all watches', () => api.watches().length === 3)

    const applied = await kubectl(api, ['apply', '--validate=false', '-f', '-'], service('weather', { labels: {} }))
    assert.match(applied, /service\/weather created/)
    assert.deepEqual(cluster.names(), [])
    await kubectl(api, ['label', 'service', 'weather', '-n', 'prod', 'mcp-server=true'])
    await cluster.until('the Service', () => cluster.names().includes('weather'))
    await kubectl(api, ['annotate', 'service', 'weather', '-n', 'prod', 'mcp-roster.io/title=Weather'])
    await cluster.until('its title', () => JSON.stringify(cluster.entries('service/prod/weather')).includes('Weather'))
    await kubectl(api, ['label', 'service', 'weather', '-n', 'prod', 'mcp-server-'])
    await cluster.until('its removal', () => cluster.names().length === 0)

    await kubectl(
      api,
      ['apply', '--validate=false', '-f', '-'],
      configMap('mine', { 'a.yaml': 'servers: {geo: {url: http://geo/mcp}}' }),
    )
    await cluster.until('the ConfigMap', () => cluster.names().includes('geo'))
    const changed = await kubectl(
      api,
      ['apply', '--validate=false', '-f', '-'],
      configMap('mine', { 'a.yaml': 'servers: {tides: {url: http://tides/mcp}}' }),
    )
    assert.match(changed, /configmap\/mine configured/)
    await cluster.until('its change', () => cluster.names().join() === 'tides')
    await kubectl(api, ['delete', 'configmap', 'mine', '-n', 'prod', '--wait=false'])
    await cluster.until('its removal', () => cluster.names().length === 0)
  })

  it('answers reads, selectors, missing objects and denied access as kubectl expects', async () => {
    await using api = await startKubeApi()
    api.store.put('namespaces', { metadata: { name: 'prod' } })
    api.store.put('services', service('weather'))
    api.store.put('services', service('storm', { labels: { tier: 'b' } }))

    assert.match(await kubectl(api, ['get', 'services', '-A', '-o', 'name']), /service\/storm\nservice\/weather/)
    assert.equal(
      await kubectl(api, ['get', 'svc', '-n', 'prod', '-l', 'tier in (a,b),!mcp-server', '-o', 'name']),
      'service/storm\n',
    )
    assert.match(
      await kubectl(api, ['get', 'svc', 'weather', '-n', 'prod', '-o', 'jsonpath={.spec.ports[0].port}']),
      /^80$/,
    )
    await assert.rejects(
      kubectl(api, ['get', 'svc', 'none', '-n', 'prod']),
      /Error from server \(NotFound\): services "none" not found/,
    )
    api.rules([])
    await assert.rejects(
      kubectl(api, ['get', 'svc', '-n', 'prod']),
      /Error from server \(Forbidden\): services is forbidden: User "system:admin" cannot list/,
    )
  })
})
