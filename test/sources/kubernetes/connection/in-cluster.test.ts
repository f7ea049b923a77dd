import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { selfSignedCertificate, skipWithoutOpenssl } from '../../../fakes/certificates.ts'
import { startKubeApi } from '../../../fakes/kube-api.ts'
import { observeCluster, service } from '../observed-cluster.ts'
import { mountServiceAccount } from '../service-account.ts'

const skip = skipWithoutOpenssl()
const certificate = skip ? undefined : selfSignedCertificate()

const inClusterEnv = ({ port }: { port: number }) => ({
  KUBERNETES_SERVICE_HOST: '127.0.0.1',
  KUBERNETES_SERVICE_PORT: String(port),
})

describe('credentials of the service account', () => {
  it('follow a rotated token', { skip }, async () => {
    await using api = await startKubeApi({ tls: certificate! })
    await using account = await mountServiceAccount({ token: 'one', ca: certificate!.cert, namespace: 'roster' })
    api.users({ one: 'system:serviceaccount:roster:mcp-roster' })
    api.store.put('services', service('weather'))
    await using cluster = await observeCluster(api, { env: inClusterEnv(api), serviceAccount: account.directory })
    await cluster.until('the Service', () => cluster.names().includes('weather'))

    api.users({ two: 'system:serviceaccount:roster:mcp-roster' })
    await api.stop()
    await api.start()
    await cluster.until('the rejection', () => cluster.error('watch/services')?.class === 'auth')
    await account.write({ token: 'two' })
    api.store.put('services', service('storm'))

    await cluster.until('the recovery', () => cluster.names().includes('storm') && cluster.note() === undefined)
  })

  it('follow a rotated CA', { skip }, async () => {
    await using account = await mountServiceAccount({ token: 'one', ca: certificate!.cert })
    await using api = await startKubeApi({ tls: certificate! })
    api.store.put('services', service('weather'))
    await using cluster = await observeCluster(api, { env: inClusterEnv(api), serviceAccount: account.directory })
    await cluster.until('the Service', () => cluster.names().includes('weather'))

    const second = selfSignedCertificate()
    await api.stop()
    await api.start({ tls: second })
    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)
    await account.write({ ca: second.cert })
    api.store.put('services', service('storm'))

    await cluster.until('the recovery', () => cluster.names().includes('storm'))
  })

  it('are reported as missing', async () => {
    await using account = await mountServiceAccount({ token: 'one', ca: '' })
    await rm(join(account.directory, 'token'))
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, { env: inClusterEnv(api), serviceAccount: account.directory })

    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)

    assert.match(cluster.error('watch/services')?.message ?? '', /cannot read .*token: the pod needs a service account/)
  })
})
