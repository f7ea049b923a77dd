import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { selfSignedCertificate, skipWithoutOpenssl } from '../../../fakes/certificates.ts'
import { type KubeApi, startKubeApi } from '../../../fakes/kube-api.ts'
import { observeCluster, service } from '../observed-cluster.ts'

const skip = skipWithoutOpenssl()
const certificate = skip ? undefined : selfSignedCertificate()

const listsOf = (api: KubeApi) => api.requests.filter(({ verb }) => verb === 'list').length

describe('silently dead connection', () => {
  it('is detected by the health check if all watches share it', { skip }, async () => {
    await using api = await startKubeApi({ tls: certificate! })
    await using cluster = await observeCluster(api, {
      cluster: { 'certificate-authority-data': Buffer.from(certificate!.cert).toString('base64') },
      tuning: { healthCheckMs: 200, healthCheckTimeoutMs: 400 },
    })
    await cluster.until('all watches', () => api.watches().length === 3)
    assert.equal(api.connections(), 1)

    const lists = listsOf(api)

    api.freeze()
    api.store.put('services', service('weather'))

    await cluster.until('the change in between', () => cluster.names().includes('weather'))
    assert.equal(listsOf(api), lists)
  })

  it('is detected by the health check if the server never responds', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, {
      tuning: { healthCheckMs: 200, healthCheckTimeoutMs: 200, listTimeoutMs: 500 },
    })
    await cluster.until('all watches', () => api.watches().length === 3)

    api.freeze()
    api.setUnresponsive(true)
    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)
    api.store.put('services', service('weather'))
    api.setUnresponsive(false)

    await cluster.until('the change in between', () => cluster.names().includes('weather'))
  })
})

describe('credentials that the API server rejects', () => {
  it('are an error at the next health check, although the open watches go on, and until a check succeeds', async () => {
    await using api = await startKubeApi()
    api.users({ good: 'roster' })
    api.store.put('services', service('weather'))
    await using cluster = await observeCluster(api, { user: { token: 'good' }, tuning: { healthCheckMs: 50 } })
    await cluster.until('all watches', () => api.watches().length === 3)

    api.users({ other: 'roster' })
    await cluster.until('the error', () => cluster.error('api-server') !== undefined)
    assert.match(cluster.error('api-server')?.message ?? '', /rejected the credentials \(401\)/)
    assert.equal(cluster.error('api-server')?.class, 'auth')
    assert.deepEqual([cluster.names(), api.watches().length], [['weather'], 3])

    api.users({ good: 'roster' })
    await cluster.until('the recovery', () => !cluster.origins.has('api-server'))
  })
})
