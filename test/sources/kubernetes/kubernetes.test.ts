import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KubernetesConfig } from '../../../src/sources/kubernetes/config.ts'
import { kubernetes } from '../../../src/sources/kubernetes/kubernetes.ts'
import { startKubeApi } from '../../fakes/kube-api.ts'
import { configMap, service, slice, observeCluster } from './observed-cluster.ts'
import { collectSightings } from './sighting-collector.ts'

describe('kubernetes source', () => {
  it('lists labelled Services and the servers of labelled ConfigMaps', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.store.put('services', service('unrelated', { labels: {} }))
    api.store.put(
      'configmaps',
      configMap('more', { 'servers.yaml': 'servers: {geo: {url: http://geo/mcp}}', 'README.md': '#' }),
    )

    await using cluster = await observeCluster(api)

    await cluster.until('the picture', () => cluster.sightings.some(({ type }) => type === 'picture'))
    assert.equal(cluster.sightings.find(({ type }) => type !== 'alive')?.type, 'picture')
    assert.deepEqual(cluster.names(), ['geo', 'weather'])
    assert.deepEqual([...cluster.origins.keys()].toSorted(), [
      'configmap/prod/more/servers.yaml',
      'service/prod/weather',
    ])
  })

  it('follows labels, changes and deletions', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api)
    await cluster.until('the picture', () => cluster.sightings.some(({ type }) => type === 'picture'))

    api.store.put('services', service('weather'))
    await cluster.until('the Service', () => cluster.names().includes('weather'))
    api.store.put('services', service('weather', { annotations: { 'mcp-roster.io/tags': 'eu, free' } }))
    await cluster.until('its tags', () => JSON.stringify(cluster.entries('service/prod/weather')).includes('"free"'))
    api.store.put('services', service('weather', { labels: {} }))
    await cluster.until('its removal', () => cluster.names().length === 0)
    assert.equal(api.requests.filter(({ verb }) => verb === 'list').length, 3)
  })

  it('reports a Service without ready endpoints as unhealthy until one is ready', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.store.put('endpointslices', slice('weather-1', { of: 'weather', ready: [], notReady: ['10.1.0.1'] }))
    await using cluster = await observeCluster(api)
    const reported = () =>
      JSON.stringify(cluster.entries('service/prod/weather').map((entry) => 'reported' in entry && entry.reported))

    await cluster.until('the report', () => reported() === '[{"status":"unhealthy","reason":"no_endpoints"}]')
    api.store.put('endpointslices', slice('weather-1', { of: 'weather' }))
    await cluster.until('its removal', () => reported() === '[false]')
  })
})

describe('kubernetes source outside a cluster', () => {
  it('is disabled with a note', async () => {
    assert.deepEqual(await collectSightings({}), [
      { type: 'alive', note: 'not in a cluster, and no kubeconfig is configured' },
    ])
  })

  it('loads neither the Kubernetes client nor the HTTP client nor the YAML parser', async () => {
    const { execFileSync } = await import('node:child_process')
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
      const { sourceKinds } = await import(${JSON.stringify(new URL('../../../src/sources/catalogue.ts', import.meta.url).href)})
      const config = sourceKinds.find((kind) => kind.type === 'kubernetes').config.parse({ type: 'kubernetes' })
      console.log(JSON.stringify(loaded.filter((url) => /client-node|undici|js-yaml/.test(url))))`
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString().trim(), '[]')
  })
})

describe('permission of the kubernetes source to introduce commands', () => {
  const may = (config: Record<string, unknown>, namespace: string) =>
    kubernetes.mayIntroduceStdio(KubernetesConfig.parse({ type: 'kubernetes', ...config }), namespace)

  it('covers only namespaces that the operator named', () => {
    assert.deepEqual(
      [may({ namespaces: ['prod'] }, 'prod'), may({ namespaces: ['prod'] }, 'dev'), may({}, 'prod')],
      [true, false, false],
    )
  })
})
