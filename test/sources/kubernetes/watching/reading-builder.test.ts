import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KubernetesConfig } from '../../../../src/sources/kubernetes/config.ts'
import { ConfigMap } from '../../../../src/sources/kubernetes/resources/configmaps.ts'
import { EndpointSlice } from '../../../../src/sources/kubernetes/resources/endpoints.ts'
import { Service } from '../../../../src/sources/kubernetes/resources/services.ts'
import { createReadingBuilder } from '../../../../src/sources/kubernetes/watching/reading-builder.ts'
import type { ResourceKind, ResourceKinds } from '../../../../src/sources/kubernetes/watching/reflectors.ts'
import { configMap, service, slice } from '../observed-cluster.ts'

const document = 'servers: {geo: {url: "http://geo/mcp"}}'

/** A reading builder over objects that the test sets. */
function createBuilder() {
  const objects = {
    services: new Map<string, Service>(),
    configmaps: new Map<string, ConfigMap>(),
    endpointslices: new Map<string, EndpointSlice>(),
  }
  const builder = createReadingBuilder({
    config: KubernetesConfig.parse({ type: 'kubernetes' }),
    reflectors: {
      get: <K extends ResourceKind>(kind: K, key: string) => objects[kind].get(key) as ResourceKinds[K] | undefined,
      keys: function* (kind: ResourceKind) {
        yield* objects[kind].keys()
      },
    },
  })
  return { objects, builder }
}

describe('reading builder', () => {
  it('has one origin for a Service and one for each document of a ConfigMap', async () => {
    const { objects, builder } = createBuilder()
    objects.services.set('prod/weather', Service.parse(service('weather')))
    objects.configmaps.set('prod/more', ConfigMap.parse(configMap('more', { 'a.yaml': document, 'b.yaml': document })))
    builder.markAllChanged('services')
    builder.markAllChanged('configmaps')

    const changed = await builder.update()

    assert.deepEqual([...changed], ['service/prod/weather', 'configmap/prod/more/a.yaml', 'configmap/prod/more/b.yaml'])
    assert.deepEqual([...builder.readings.keys()], [...changed])
  })

  it('keeps the reading of an object whose entries stay equal', async () => {
    const { objects, builder } = createBuilder()
    objects.services.set('prod/weather', Service.parse(service('weather')))
    builder.markChanged('services', 'prod/weather')
    await builder.update()
    const before = builder.readings.get('service/prod/weather')

    objects.services.set('prod/weather', Service.parse(service('weather')))
    builder.markChanged('services', 'prod/weather')

    assert.deepEqual([...(await builder.update())], [])
    assert.equal(builder.readings.get('service/prod/weather'), before)
  })

  it('rebuilds the Service of a changed EndpointSlice', async () => {
    const { objects, builder } = createBuilder()
    objects.services.set('prod/weather', Service.parse(service('weather')))
    builder.markChanged('services', 'prod/weather')
    await builder.update()

    objects.endpointslices.set('prod/one', EndpointSlice.parse(slice('one', { of: 'weather', ready: [] })))
    builder.markChanged('endpointslices', 'prod/one')

    assert.deepEqual([...(await builder.update())], ['service/prod/weather'])
    const reading = builder.readings.get('service/prod/weather')
    const [entry] = reading && 'entries' in reading ? reading.entries : []
    assert.deepEqual(entry && 'reported' in entry && entry.reported, { status: 'unhealthy', reason: 'no_endpoints' })
  })

  it('removes the origins of an object that is gone after another list', async () => {
    const { objects, builder } = createBuilder()
    objects.configmaps.set('prod/more', ConfigMap.parse(configMap('more', { 'a.yaml': document })))
    builder.markAllChanged('configmaps')
    await builder.update()

    objects.configmaps.clear()
    builder.markAllChanged('configmaps')

    assert.deepEqual([...(await builder.update())], ['configmap/prod/more/a.yaml'])
    assert.equal(builder.readings.size, 0)
  })

  it('rebuilds a Service whose URL names another one when that appears, turns external or goes', async () => {
    const { objects, builder } = createBuilder()
    const annotations = { 'mcp-roster.io/url': 'http://gateway.prod.svc/weather' }
    const put = (key: string, value: Service) => (
      objects.services.set(key, value),
      builder.markChanged('services', key)
    )
    const problem = async () => {
      await builder.update()
      const reading = builder.readings.get('service/prod/weather')
      const [entry] = reading && 'entries' in reading ? reading.entries : []
      return entry && 'problem' in entry ? entry.problem : undefined
    }

    put('prod/weather', Service.parse(service('weather', { annotations })))
    assert.match((await problem()) ?? '', /gateway is not seen/)
    objects.endpointslices.set('prod/gateway-1', EndpointSlice.parse(slice('gateway-1', { of: 'gateway' })))
    builder.markChanged('endpointslices', 'prod/gateway-1')
    assert.equal(await problem(), undefined)
    put('prod/gateway', Service.parse(service('gateway', { type: 'ExternalName', externalName: 'evil.example' })))
    assert.match((await problem()) ?? '', /ExternalName/)
    put('prod/gateway', Service.parse(service('gateway')))
    assert.equal(await problem(), undefined)
  })
})
