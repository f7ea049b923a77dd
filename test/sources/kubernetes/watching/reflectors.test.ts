import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { requiredAccess } from '../../../../src/sources/kubernetes/watching/reflectors.ts'
import { startKubeApi } from '../../../fakes/kube-api.ts'
import type { AccessRule } from '../../../fakes/kube-request.ts'
import { configMap, service, slice, observeCluster } from '../observed-cluster.ts'

const all = requiredAccess.map(({ resource }) => resource)
const mayRead = (namespace: string, resources: readonly string[] = all): AccessRule => ({
  namespace,
  resources,
  verbs: ['list', 'watch'],
})

describe('access granted by roles', () => {
  it('suffices if it is the required access, and the source requests no more', async () => {
    await using api = await startKubeApi()
    api.rules(
      requiredAccess.map(({ resource, verbs }) => ({ namespace: '*', resources: [resource], verbs: [...verbs] })),
    )
    api.store.put('services', service('weather'))
    api.store.put('endpointslices', slice('weather', { ready: [] }))
    api.store.put('configmaps', configMap('more', { 'a.json': '{"mcpServers":{"geo":{"url":"http://geo/mcp"}}}' }))
    await using cluster = await observeCluster(api)
    await cluster.until('all watches', () => api.watches().length === 3)

    await cluster.until('both servers', () => cluster.names().join() === 'geo,weather')
    assert.equal(cluster.note(), undefined)
    const requested = new Set(
      api.requests.flatMap(({ resource, verb }) => (resource ? [`${resource.group}/${resource.plural} ${verb}`] : [])),
    )
    const required = requiredAccess.flatMap(({ api_group, resource, verbs }) =>
      verbs.map((verb) => `${api_group}/${resource} ${verb}`),
    )
    assert.deepEqual([...requested].toSorted(), required.toSorted())
  })

  it('may lack one namespace: the source lists the others, and that one once it is granted', async () => {
    await using api = await startKubeApi()
    for (const namespace of ['a', 'b', 'c']) api.store.put('services', service(`in-${namespace}`, { namespace }))
    api.rules([mayRead('a'), mayRead('c')])
    await using cluster = await observeCluster(api, { config: { namespaces: ['a', 'b', 'c'] } })

    await cluster.until('two of three', () => cluster.names().length === 2)
    assert.match(
      cluster.error('watch/services/b')?.message ?? '',
      /services in namespace b: forbidden \(403\); a Role in namespace b must grant list and watch on them to the service account/,
    )
    assert.equal(cluster.error('watch/services/a'), undefined)
    assert.ok(
      cluster.sightings.every(({ type }) => type !== 'picture'),
      'no picture removes the objects of a forbidden namespace',
    )

    api.rules([mayRead('a'), mayRead('b'), mayRead('c')])
    await cluster.until('all three', () => cluster.names().length === 3 && cluster.note() === undefined)
    assert.equal(cluster.error('watch/services/b'), undefined)
    assert.ok(cluster.sightings.some(({ type }) => type === 'picture'))
  })

  it('may be revoked: known servers stay, marked as failing, until it is granted again', async () => {
    await using api = await startKubeApi()
    for (const namespace of ['a', 'b']) api.store.put('services', service(`in-${namespace}`, { namespace }))
    await using cluster = await observeCluster(api, { config: { namespaces: ['a', 'b'] } })
    await cluster.until('all watches', () => api.watches().length === 6)

    api.rules([mayRead('a')])
    await api.stop()
    await api.start()
    await cluster.until('the error', () => cluster.error('service/b/in-b') !== undefined)
    assert.deepEqual(cluster.names(), ['in-a', 'in-b'])
    assert.equal(cluster.error('service/a/in-a'), undefined)

    api.rules([mayRead('a'), mayRead('b')])
    await cluster.until('the recovery', () => cluster.error('service/b/in-b') === undefined)
    assert.deepEqual(cluster.names(), ['in-a', 'in-b'])
  })

  it('may cover only the own namespace: the source watches that one until it may watch all', async () => {
    await using api = await startKubeApi()
    for (const namespace of ['own', 'other']) api.store.put('services', service(`in-${namespace}`, { namespace }))
    api.rules([mayRead('own')])
    await using cluster = await observeCluster(api, { context: { namespace: 'own' } })

    await cluster.until('the own', () => cluster.names().length === 1)
    assert.match(
      cluster.error('watch/services')?.message ?? '',
      /a ClusterRole must grant list and watch on them to the service account; until then only namespace own is read/,
    )
    assert.deepEqual(cluster.origins.get('watch/services/own'), { entries: [] })
    api.store.put('services', service('new', { namespace: 'own' }))
    await cluster.until('what is new there', () => cluster.names().includes('new'))

    api.rules([mayRead('*')])
    await cluster.until('all', () => cluster.names().length === 3 && !cluster.error('watch/services'))
    assert.equal(cluster.origins.get('watch/services/own'), undefined)
    await cluster.until('no watch too many', () => api.watches().length === 3)
  })

  it('may lack EndpointSlices: Services are listed without the health of endpoints', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.store.put('endpointslices', slice('weather', { ready: [] }))
    api.rules([mayRead('*', ['services', 'configmaps'])])
    await using cluster = await observeCluster(api)

    await cluster.until('the note', () => /endpoints unknown: .*forbidden/.test(cluster.note() ?? ''))
    assert.equal(cluster.sightings.find(({ type }) => type !== 'alive')?.type, 'picture')
    assert.deepEqual(
      cluster.entries('service/prod/weather').map((entry) => 'reported' in entry),
      [false],
    )
  })

  it('may allow lists without watches: the source lists periodically', async () => {
    await using api = await startKubeApi()
    api.rules([{ namespace: '*', resources: all, verbs: ['list'] }])
    await using cluster = await observeCluster(api)
    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)

    api.store.put('services', service('weather'))

    await cluster.until('what is new', () => cluster.names().includes('weather'))
  })
})
