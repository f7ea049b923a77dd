import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { selfSignedCertificate, skipWithoutOpenssl } from '../../../fakes/certificates.ts'
import { startKubeApi } from '../../../fakes/kube-api.ts'
import { observeCluster, service } from '../observed-cluster.ts'
import { mountServiceAccount } from '../service-account.ts'
import { collectSightings } from '../sighting-collector.ts'

const skip = skipWithoutOpenssl()
const certificate = skip ? undefined : selfSignedCertificate()

/** Starts an HTTP proxy for CONNECT tunnels. */
async function startProxy() {
  let tunnels = 0
  const server = createServer()
  server.on('connect', (request, client) => {
    tunnels++
    const { hostname, port } = new URL(`http://${request.url}`)
    const upstream = connect(Number(port), hostname, () => client.write('HTTP/1.1 200 OK\r\n\r\n'))
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    tunnels: () => tunnels,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

describe('credentials of a kubeconfig', () => {
  for (const [name, user, header] of [
    ['a token', { token: 's3cret' }, 'Bearer s3cret'],
    ['a name and password', { username: 'me', password: 'pw' }, `Basic ${Buffer.from('me:pw').toString('base64')}`],
    [
      'a plugin',
      {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: process.execPath,
          args: ['-e', 'console.log(JSON.stringify({ status: { token: "from-plugin" } }))'],
        },
      },
      'Bearer from-plugin',
    ],
  ] as const) {
    it(`may be ${name}`, async () => {
      await using api = await startKubeApi()
      const seen = new Set<string | undefined>()
      api.onHeaders((headers) => void seen.add(headers.authorization))
      await using cluster = await observeCluster(api, { user })
      await cluster.until('all watches', () => api.watches().length === 3)

      assert.deepEqual([...seen], [header])
    })
  }

  it('may be a client certificate, also through a proxy', { skip }, async () => {
    await using api = await startKubeApi({
      tls: { ...certificate!, ca: certificate!.cert, requestCert: true, rejectUnauthorized: true },
    })
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const user = { 'client-certificate-data': base64(certificate!.cert), 'client-key-data': base64(certificate!.key) }
    const cluster = { 'certificate-authority-data': base64(certificate!.cert) }
    await using proxy = await startProxy()
    await using direct = await observeCluster(api, { user, cluster })
    await direct.until('all watches', () => api.watches().length === 3)
    await using proxied = await observeCluster(api, { user, cluster: { ...cluster, 'proxy-url': proxy.url } })
    await proxied.until('all watches', () => api.watches().length === 6)

    api.store.put('services', service('weather'))
    await direct.until('the Service', () => direct.names().includes('weather'))
    await proxied.until('the Service', () => proxied.names().includes('weather'))
    assert.ok(proxy.tunnels() > 0)
  })

  it('may be a token file, which is read for each request', async () => {
    await using account = await mountServiceAccount({ token: 'one', ca: '' })
    await using api = await startKubeApi()
    api.users({ one: 'me' })
    await using cluster = await observeCluster(api, { user: { tokenFile: join(account.directory, 'token') } })
    await cluster.until('all watches', () => api.watches().length === 3)

    await account.write({ token: 'two' })
    api.users({ two: 'me' })
    await api.stop()
    await api.start()

    await cluster.until('all watches again', () => api.watches().length === 3)
  })

  it('are reported as unavailable if a plugin fails, without its output', async () => {
    await using api = await startKubeApi()
    const exec = { command: process.execPath, args: ['-e', 'console.error("tok-4711"); process.exit(1)'] }
    await using cluster = await observeCluster(api, { user: { exec } })

    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)

    assert.match(cluster.error('watch/services')?.message ?? '', /credentials of .* unavailable/)
    assert.doesNotMatch(JSON.stringify(cluster.sightings) + String(cluster.note()), /tok-4711/)
  })
})

describe('unusable kubeconfig', () => {
  const mistakes = {
    'a missing file': [{ kubeconfig: '/nowhere/config' }, /the kubeconfig \/nowhere\/config cannot be used: ENOENT/],
    'text that is not a kubeconfig': ['just text', /it is not a kubeconfig|it has no context/],
    'a missing context': [{ context: 'x' }, /it has no context "x"; it has: one/],
    'invalid YAML': ['a: [', /it is not a kubeconfig in YAML or JSON/],
  } as const
  for (const [name, [mistake, expected]] of Object.entries(mistakes)) {
    it(`fails with the reason for ${name}`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'roster-kube-'))
      const kubeconfig = join(directory, 'config')
      const good = {
        'current-context': 'one',
        contexts: [{ name: 'one', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: 'http://x' } }],
        users: [{ name: 'u', user: { token: 'tok-4711' } }],
      }
      await writeFile(kubeconfig, typeof mistake === 'string' ? mistake : JSON.stringify(good))
      try {
        const config = { kubeconfig, ...(typeof mistake === 'string' ? {} : mistake) }
        await assert.rejects(collectSightings(config), (error: Error & { class?: string }) => {
          assert.match(error.message, expected)
          assert.equal(error.class, 'config')
          return true
        })
      } finally {
        await rm(directory, { recursive: true })
      }
    })
  }
})
