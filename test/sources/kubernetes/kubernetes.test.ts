import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startKubeApi } from '../../fakes/kube-api.ts'
import { configMap, service, slice, observeCluster } from './observed-cluster.ts'

describe('the kubernetes source', () => {
  it('shows labelled Services and the servers of labelled ConfigMaps', async () => {
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

  it('follows what is labelled, changed and deleted', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api)
    await cluster.until('the picture', () => cluster.sightings.some(({ type }) => type === 'picture'))

    api.store.put('services', service('weather'))
    await cluster.until('the Service', () => cluster.names().includes('weather'))
    api.store.put('services', service('weather', { annotations: { 'mcp-roster.io/tags': 'eu, free' } }))
    await cluster.until('its tags', () => JSON.stringify(cluster.entries('service/prod/weather')).includes('"free"'))
    api.store.put('services', service('weather', { labels: {} }))
    await cluster.until('its end', () => cluster.names().length === 0)
    assert.equal(api.requests.filter(({ verb }) => verb === 'list').length, 3)
  })

  it('says that a Service without ready endpoints is unhealthy, and well again once it has some', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.store.put('endpointslices', slice('weather-1', { of: 'weather', ready: [], notReady: ['10.1.0.1'] }))
    await using cluster = await observeCluster(api)
    const reported = () =>
      JSON.stringify(cluster.entries('service/prod/weather').map((entry) => 'reported' in entry && entry.reported))

    await cluster.until('the report', () => reported() === '[{"status":"unhealthy","reason":"no_endpoints"}]')
    api.store.put('endpointslices', slice('weather-1', { of: 'weather' }))
    await cluster.until('its end', () => reported() === '[false]')
  })
})
