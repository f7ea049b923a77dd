import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createIntake } from '../../../../src/registry/supervision/intake.ts'
import { kubernetes } from '../../../../src/sources/kubernetes/kubernetes.ts'
import { startKubeApi } from '../../../fakes/kube-api.ts'
import { configMap, service, observeCluster } from '../observed-cluster.ts'

const yaml = (name: string) => `servers:\n  ${name}:\n    url: http://${name}/mcp\n`

describe('watch of a large cluster', () => {
  it('lists 2000 Services and 500 ConfigMaps page by page, and yields each change by itself', async () => {
    await using api = await startKubeApi()
    for (let i = 0; i < 2000; i++) api.store.put('services', service(`s${i}`, { namespace: `n${i % 20}` }))
    for (let i = 0; i < 500; i++)
      api.store.put('configmaps', configMap(`c${i}`, { 'a.yaml': yaml(`m${i}`) }, { namespace: `n${i % 20}` }))
    await using cluster = await observeCluster(api, { tuning: { quietMs: 50, maxDelayMs: 200 } })
    await cluster.until('all', () => cluster.names().length === 2500, 8000)
    const first = cluster.sightings.find(({ type }) => type !== 'alive')
    assert.ok(first?.type === 'picture' && first.readings.length === 2500, 'one picture holds all')
    await cluster.until('all watches', () => api.watches().length === 3)
    assert.equal(
      api.requests.filter(({ verb, resource }) => verb === 'list' && resource?.plural === 'services').length,
      4,
    )

    for (const change of [
      () => api.store.put('services', service('new', { namespace: 'n1' })),
      () => api.store.remove('services', 'n1', 'new'),
      () => api.store.put('configmaps', configMap('c7', { 'a.yaml': yaml('new') }, { namespace: 'n7' })),
      () => api.store.put('configmaps', configMap('c7', { 'a.yaml': yaml('m7') }, { namespace: 'n7' })),
    ]) {
      const before = cluster.sightings.length
      change()
      await cluster.until('the change', () => cluster.sightings.length > before)
      const sighting = cluster.sightings.at(-1)
      assert.ok(sighting?.type === 'change' && sighting.readings.length + sighting.gone.length === 1)
    }
  })

  it('ends in the last state of a label that flips 100 times, and leaks no watch or connection', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api)
    await cluster.until('all watches', () => api.watches().length === 3)
    const connections = api.connections()

    for (let i = 0; i < 100; i++) {
      api.store.put('services', service('even', { labels: i % 2 === 0 ? { 'mcp-server': 'true' } : {} }))
      api.store.put('services', service('odd', { labels: i % 2 === 1 ? { 'mcp-server': 'true' } : {} }))
    }
    api.store.put('services', service('last'))

    await cluster.until('the last', () => cluster.names().includes('last'))
    assert.deepEqual(cluster.names(), ['last', 'odd'])
    assert.deepEqual([api.watches().length, api.connections()], [3, connections])
    assert.ok(cluster.sightings.length < 20, 'a burst is debounced')
  })

  it('limits the number and rate of lists when all namespaces are listed again', async () => {
    await using api = await startKubeApi()
    const namespaces = Array.from({ length: 20 }, (_, i) => `n${i}`)
    for (const namespace of namespaces) api.store.put('services', service('weather', { namespace }))
    const release = Promise.withResolvers<void>()
    api.lists.blockedBy = release.promise
    // Ten times the default rate: half a second stands for five.
    await using cluster = await observeCluster(api, { config: { namespaces }, tuning: { maxListsPerSecond: 80 } })
    await cluster.until('the maximum of concurrent lists', () => api.lists.running === 5)
    release.resolve()
    await cluster.until('all watches', () => api.watches().length === 60, 8000)
    assert.equal(api.lists.peak, 5)
    Object.assign(api.lists, { peak: 0, delayMs: 5 })

    await api.stop()
    api.store.compact()
    await api.start()
    const since = performance.now()
    await cluster.until('all watches again', () => api.watches().length === 60, 8000)

    const starts = api.requests.filter(({ verb, at }) => verb === 'list' && at > since).map(({ at }) => at)
    assert.equal(starts.length, 60)
    assert.ok(api.lists.peak <= 5, `${api.lists.peak} lists at a time`)
    assert.ok(Math.max(...starts) - Math.min(...starts) >= 500, 'the lists are spread out')
    assert.equal(cluster.names().length, 20)
  })

  it('yields a picture when all servers are gone, and another for a refresh', async () => {
    await using api = await startKubeApi()
    for (let i = 0; i < 20; i++) api.store.put('services', service(`s${i}`))
    await using cluster = await observeCluster(api)
    await cluster.until('all', () => cluster.names().length === 20 && api.watches().length === 3)
    const all = api.store.list('services')

    await api.stop()
    for (const { metadata } of all) api.store.remove('services', 'prod', metadata.name)
    api.store.compact()
    await api.start()
    await cluster.until('the empty picture', () => cluster.names().length === 0)
    assert.ok(cluster.sightings.filter(({ type }) => type === 'picture').length >= 2)
    assert.ok(
      cluster.sightings.every(
        (sighting) => sighting.type !== 'change' || sighting.gone.every((gone) => gone.startsWith('watch/')),
      ),
    )

    for (const object of all) api.store.put('services', object)
    cluster.wake.raise()
    await cluster.until('they are back', () => cluster.names().length === 20)
  })
})

describe('API server that returns an empty list once, before it is ready', () => {
  it('removes no server: the registry holds the picture until a second one agrees', async () => {
    await using api = await startKubeApi()
    for (let i = 0; i < 20; i++) api.store.put('services', service(`s${i}`))
    await using cluster = await observeCluster(api)
    await cluster.until('all', () => cluster.names().length === 20 && api.watches().length === 3)
    api.fail({
      when: ({ verb, resource }) => verb === 'list' && resource?.plural === 'services',
      times: 1,
      run: (response) =>
        void response.end(
          JSON.stringify({ kind: 'ServiceList', metadata: { resourceVersion: api.store.version() }, items: [] }),
        ),
    })
    await api.stop()
    api.store.compact()
    await api.start()
    await cluster.until('the empty picture', () => cluster.names().length === 0)
    // As the supervisor does while a shrink is held.
    const refreshing = setInterval(() => cluster.wake.raise(), 100)
    await cluster.until('the second picture', () => cluster.names().length === 20)
    clearInterval(refreshing)

    const layer = { name: 'kubernetes', reach: 'private', discovery_method: 'kubernetes', order: 0 } as const
    const intake = createIntake({ layer })
    intake.setTrust({ stdio: () => false, questionsShrinks: kubernetes.questionsShrinks })
    const outcomes = cluster.sightings.map((sighting, at) => intake.accept(sighting, cluster.refreshCounts[at]))
    assert.ok(outcomes.some(({ held }) => held))
    assert.deepEqual(
      outcomes.flatMap(({ delta }) => delta.removed),
      [],
    )
    assert.equal(intake.summary().servers, 20)
  })
})
