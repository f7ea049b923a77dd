import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startKubeApi } from '../fakes/kube-api.ts'
import { startHere } from '../in-process-daemon.ts'
import { configMap, kubeconfigFor, service } from '../sources/kubernetes/observed-cluster.ts'
import { until } from './daemon-process.ts'

type Here = Awaited<ReturnType<typeof startHere>>
type Origin = { origin: string; error?: string }
type Source = { state: string; last_error?: string; origins: Origin[]; rejections: { name: string; reason: string }[] }

const configOf = (kubeconfig: string, more = '') =>
  `health: { enabled: false }\nsources:\n  - { type: kubernetes, kubeconfig: "${kubeconfig}"${more} }\n`
const sourceOf = async (daemon: Here) => (await daemon.ask<Source>('GET', '/sources/kubernetes')).body
const mayRead = (namespace: string) => ({
  namespace,
  resources: ['services', 'configmaps', 'endpointslices'],
  verbs: ['list', 'watch'],
})

describe('a daemon in a Kubernetes cluster', () => {
  for (const [services, title] of [
    [['weather'], 'with servers in the own namespace'],
    [[], 'with an empty namespace of its own'],
  ] as const) {
    it(`is degraded and names the missing right where the ClusterRole is missing at the start, ${title}`, async () => {
      await using api = await startKubeApi()
      for (const name of services) api.store.put('services', service(name, { namespace: 'own' }))
      api.store.put('services', service('elsewhere', { namespace: 'other' }))
      api.rules([mayRead('own')])
      await using kubeconfig = await kubeconfigFor(api, { context: { namespace: 'own' } })
      await using daemon = await startHere(configOf(kubeconfig.path))

      await until(async () => (await sourceOf(daemon)).state === 'degraded')
      const { last_error = '', origins } = await sourceOf(daemon)
      assert.match(
        last_error,
        /list services in all namespaces: forbidden \(403\); a ClusterRole must grant list and watch/,
      )
      assert.match(last_error, /only namespace own is read/)
      assert.equal(origins.find(({ origin }) => origin === 'watch/services/own')?.error, undefined)
      const { body } = await daemon.ask('GET', '/health')
      assert.deepEqual([body['status'], body['degraded_sources']], ['degraded', ['kubernetes']])
      assert.equal((await daemon.get('/ready')).status, 200)

      api.rules([mayRead('*')])
      await daemon.ask('POST', '/sources/kubernetes/refresh')
      await until(async () => (await sourceOf(daemon)).state === 'synced')
      assert.deepEqual((await daemon.ask<{ count: number }>('GET', '/servers')).body.count, services.length + 1)
    })
  }

  it('says that the API server is away although one ConfigMap was broken before', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.store.put('configmaps', configMap('broken', { 'a.yaml': 'servers: [' }))
    await using kubeconfig = await kubeconfigFor(api)
    await using daemon = await startHere(configOf(kubeconfig.path))
    await until(async () => (await sourceOf(daemon)).last_error?.startsWith('configmap/prod/broken/a.yaml: '))

    await api.stop()

    await until(async () => (await sourceOf(daemon)).last_error?.includes('API server'))
    const { last_error = '', origins } = await sourceOf(daemon)
    assert.match(last_error, /^watch\/(services|configmaps): .*connection to the API server failed.* \(and 2 more\)$/)
    assert.match(origins.find(({ origin }) => origin.startsWith('configmap/'))?.error ?? '', /not closed/)
    const logged = daemon.lines.filter(({ msg }) => msg === 'source degraded').map(({ reason }) => String(reason))
    assert.ok(
      logged.some((reason) => reason.includes('connection to the API server failed')),
      logged.join('\n'),
    )
  })

  it('rejects a URL annotation that points away from the Services of its namespace', async () => {
    await using api = await startKubeApi()
    const url = (value: string) => ({ annotations: { 'mcp-roster.io/url': value } })
    api.store.put('services', service('own', url('http://own.prod.svc:9000/custom')))
    api.store.put('services', service('away', url('https://evil.example/mcp')))
    api.store.put('services', service('metadata', url('http://169.254.169.254/latest')))
    api.store.put('services', service('mistyped', { annotations: { 'mcp-roster.io/ur': 'http://own.prod.svc/' } }))
    await using kubeconfig = await kubeconfigFor(api)
    await using daemon = await startHere(configOf(kubeconfig.path))
    await until(async () => (await sourceOf(daemon)).rejections.length === 3)

    const reasons = Object.fromEntries((await sourceOf(daemon)).rejections.map(({ name, reason }) => [name, reason]))
    assert.match(reasons['away'] ?? '', /annotation mcp-roster\.io\/url: .*evil\.example.*annotation_urls/)
    assert.match(reasons['metadata'] ?? '', /metadata/)
    assert.match(
      reasons['mistyped'] ?? '',
      /mcp-roster\.io\/ur: unknown annotation; did you mean mcp-roster\.io\/url\?/,
    )

    await daemon.reload(configOf(kubeconfig.path, ', annotation_urls: any'))
    await until(async () => (await daemon.ask<{ count: number }>('GET', '/servers')).body.count === 2)
    assert.deepEqual(
      (await sourceOf(daemon)).rejections.map(({ name }) => name),
      ['metadata', 'mistyped'],
    )
  })
})
