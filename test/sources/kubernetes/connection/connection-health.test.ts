import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { selfSignedCertificate, skipWithoutOpenssl } from '../../../fakes/certificates.ts'
import { type KubeApi, startKubeApi } from '../../../fakes/kube-api.ts'
import { service, observeCluster } from '../observed-cluster.ts'

const skip = skipWithoutOpenssl()
const first = skip ? undefined : selfSignedCertificate()

/** A service account as the kubelet mounts it. */
async function mounted(facts: { token: string; ca: string; namespace?: string }) {
  const directory = await mkdtemp(join(tmpdir(), 'roster-account-'))
  await mkdir(directory, { recursive: true })
  const write = async ({ token, ca, namespace }: { token?: string; ca?: string; namespace?: string }) => {
    if (token !== undefined) await writeFile(join(directory, 'token'), `${token}\n`)
    if (ca !== undefined) await writeFile(join(directory, 'ca.crt'), ca)
    if (namespace !== undefined) await writeFile(join(directory, 'namespace'), namespace)
  }
  await write(facts)
  return { directory, write, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

/** A proxy that tunnels to wherever it is told to. */
async function startProxy() {
  let tunnels = 0
  const server = createServer()
  server.on('connect', (request, near) => {
    tunnels++
    const { hostname, port } = new URL(`http://${request.url}`)
    const far = connect(Number(port), hostname, () => near.write('HTTP/1.1 200 OK\r\n\r\n'))
    for (const [from, to] of [
      [near, far],
      [far, near],
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

const inside = ({ port }: { port: number }) => ({
  KUBERNETES_SERVICE_HOST: '127.0.0.1',
  KUBERNETES_SERVICE_PORT: String(port),
})

const listsOf = (api: KubeApi) => api.requests.filter(({ verb }) => verb === 'list').length

describe('a connection that is dead and does not say so (K02)', () => {
  it('is found out by asking, where all watches share it', { skip }, async () => {
    await using api = await startKubeApi({ tls: first! })
    await using cluster = await observeCluster(api, {
      cluster: { 'certificate-authority-data': Buffer.from(first!.cert).toString('base64') },
      habits: { healthCheckMs: 200, healthCheckTimeoutMs: 400 },
    })
    await cluster.until('all watches', () => api.watches().length === 3)
    assert.equal(api.connections(), 1)

    const lists = listsOf(api)

    api.freeze()
    api.store.put('services', service('weather'))

    await cluster.until('what happened meanwhile', () => cluster.names().includes('weather'))
    assert.equal(listsOf(api), lists)
  })

  it('is suspected when it is silent, where each watch has its own', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, { habits: { stallMs: 200 } })
    await cluster.until('all watches', () => api.watches().length === 3)

    const lists = listsOf(api)

    api.freeze()
    api.store.put('services', service('weather'))

    await cluster.until('what happened meanwhile', () => cluster.names().includes('weather'))
    assert.equal(listsOf(api), lists)
  })

  it('is found out by asking, where nothing is answered at all', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, {
      habits: { healthCheckMs: 200, healthCheckTimeoutMs: 200, listTimeoutMs: 500 },
    })
    await cluster.until('all watches', () => api.watches().length === 3)

    api.freeze()
    api.swallow(true)
    await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)
    api.store.put('services', service('weather'))
    api.swallow(false)

    await cluster.until('what happened meanwhile', () => cluster.names().includes('weather'))
  })
})

describe('a quiet watch (K03)', () => {
  it('is left alone: one list, and few watches', async () => {
    await using api = await startKubeApi()
    // Five minutes in a second: bookmarks each minute, the first suspicion after 50 s.
    api.habits.bookmarkMs = 200
    await using cluster = await observeCluster(api, { habits: { stallMs: 1000 / 6, healthCheckMs: 1000 / 12 } })
    await cluster.until('all watches', () => api.watches().length === 3)
    const since = performance.now()

    await cluster.until('five minutes', () => performance.now() - since > 1000)

    const count = (verb: string) =>
      api.requests.filter((one) => one.verb === verb && one.resource?.plural === 'services').length
    assert.equal(count('list'), 1)
    assert.ok(count('watch') <= 2, `watched ${count('watch')} times`)
    api.store.put('services', service('weather'))
    await cluster.until('what happens then', () => cluster.names().includes('weather'))
  })

  it('goes on from its last bookmark, though all before it is forgotten', async () => {
    await using api = await startKubeApi()
    api.habits.bookmarkMs = 20
    await using cluster = await observeCluster(api)
    await cluster.until('all watches', () => api.watches().length === 3)

    api.store.forget()
    const since = performance.now()
    await cluster.until('some bookmarks', () => performance.now() - since > 200)
    await api.stop()
    await api.start()

    await cluster.until('all watches again', () => api.watches().length === 3)
    assert.equal(api.requests.filter(({ verb }) => verb === 'list').length, 3)
  })

  it('is renewed from where it was when its time is over', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, { habits: { minWatchMs: 500, random: () => 0.5 } })
    await cluster.until('the second watch', () => api.requests.filter(({ verb }) => verb === 'watch').length >= 6)

    api.store.put('services', service('weather'))

    await cluster.until('what happens then', () => cluster.names().includes('weather'))
    assert.equal(api.requests.filter(({ verb }) => verb === 'list').length, 3)
    assert.equal(cluster.note(), undefined)
  })
})

describe('credentials', () => {
  it('are those of the service account, read anew when they are rotated', { skip }, async () => {
    await using api = await startKubeApi({ tls: first! })
    await using account = await mounted({ token: 'one', ca: first!.cert, namespace: 'roster' })
    api.users({ one: 'system:serviceaccount:roster:mcp-roster' })
    api.store.put('services', service('weather'))
    await using cluster = await observeCluster(api, { env: inside(api), serviceAccount: account.directory })
    await cluster.until('the Service', () => cluster.names().includes('weather'))

    api.users({ two: 'system:serviceaccount:roster:mcp-roster' })
    await api.stop()
    await api.start()
    await cluster.until('it is turned away', () => cluster.error('watch/services')?.class === 'auth')
    await account.write({ token: 'two' })
    api.store.put('services', service('storm'))

    await cluster.until('it is let in again', () => cluster.names().includes('storm') && cluster.note() === undefined)
  })

  it('and the authority that vouches for the server, too', { skip }, async () => {
    await using account = await mounted({ token: 'one', ca: first!.cert })
    await using api = await startKubeApi({ tls: first! })
    api.store.put('services', service('weather'))
    await using cluster = await observeCluster(api, { env: inside(api), serviceAccount: account.directory })
    await cluster.until('the Service', () => cluster.names().includes('weather'))

    const second = selfSignedCertificate()
    await api.stop()
    await api.start({ tls: second })
    await cluster.until('it is not trusted', () => cluster.error('watch/services') !== undefined)
    await account.write({ ca: second.cert })
    api.store.put('services', service('storm'))

    await cluster.until('it is trusted', () => cluster.names().includes('storm'))
  })

  it('that are missing are told, not guessed', async () => {
    await using account = await mounted({ token: 'one', ca: '' })
    await rm(join(account.directory, 'token'))
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, { env: inside(api), serviceAccount: account.directory })

    await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)

    assert.match(cluster.error('watch/services')?.message ?? '', /cannot read .*token: the pod needs a service account/)
  })

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
    it(`of a kubeconfig may be ${name}`, async () => {
      await using api = await startKubeApi()
      const seen = new Set<string | undefined>()
      api.watchHeaders((headers) => void seen.add(headers.authorization))
      await using cluster = await observeCluster(api, { user })
      await cluster.until('all watches', () => api.watches().length === 3)

      assert.deepEqual([...seen], [header])
    })
  }

  it('of a kubeconfig may be a client certificate, and a proxy may lie between', { skip }, async () => {
    await using api = await startKubeApi({
      tls: { ...first!, ca: first!.cert, requestCert: true, rejectUnauthorized: true },
    })
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const user = { 'client-certificate-data': base64(first!.cert), 'client-key-data': base64(first!.key) }
    const cluster = { 'certificate-authority-data': base64(first!.cert) }
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

  it('of a kubeconfig may be a file, whose token is read anew', async () => {
    await using account = await mounted({ token: 'one', ca: '' })
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

  it('of a plugin that fails are told without a word of what it wrote', async () => {
    await using api = await startKubeApi()
    const exec = { command: process.execPath, args: ['-e', 'console.error("tok-4711"); process.exit(1)'] }
    await using cluster = await observeCluster(api, { user: { exec } })

    await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)

    assert.match(cluster.error('watch/services')?.message ?? '', /credentials of .* cannot be had/)
    assert.doesNotMatch(JSON.stringify(cluster.sightings) + String(cluster.note()), /tok-4711/)
  })
})
