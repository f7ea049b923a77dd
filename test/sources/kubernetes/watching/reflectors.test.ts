import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createWakeSignal } from '../../../../src/flow/wake-signal.ts'
import type { Sighting } from '../../../../src/model/source.ts'
import { KubernetesConfig } from '../../../../src/sources/kubernetes/config.ts'
import { kubernetes, openKubernetes } from '../../../../src/sources/kubernetes/kubernetes.ts'
import { requiredAccess } from '../../../../src/sources/kubernetes/watching/reflectors.ts'
import { startKubeApi } from '../../../fakes/kube-api.ts'
import type { KubeRule } from '../../../fakes/kube-request.ts'
import { configMap, service, slice, observeCluster } from '../observed-cluster.ts'

const all = requiredAccess.map(({ resource }) => resource)
const mayRead = (namespace: string, resources: readonly string[] = all): KubeRule => ({
  namespace,
  resources,
  verbs: ['list', 'watch'],
})

describe('what the roles of the cluster allow (K05)', () => {
  it('is enough when it is what is said to be needed, and no more is asked', async () => {
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
    const asked = new Set(
      api.requests.flatMap(({ resource, verb }) => (resource ? [`${resource.group}/${resource.plural} ${verb}`] : [])),
    )
    const said = requiredAccess.flatMap(({ api_group, resource, verbs }) =>
      verbs.map((verb) => `${api_group}/${resource} ${verb}`),
    )
    assert.deepEqual([...asked].toSorted(), said.toSorted())
  })

  it('may leave one namespace out: the others are seen, and a later grant is too', async () => {
    await using api = await startKubeApi()
    for (const namespace of ['a', 'b', 'c']) api.store.put('services', service(`in-${namespace}`, { namespace }))
    api.rules([mayRead('a'), mayRead('c')])
    await using cluster = await observeCluster(api, { config: { namespaces: ['a', 'b', 'c'] } })

    await cluster.until('two of three', () => cluster.names().length === 2)
    assert.match(
      cluster.error('watch/services/b')?.message ?? '',
      /services in namespace b: forbidden \(403\); grant get, list and watch/,
    )
    assert.equal(cluster.error('watch/services/a'), undefined)
    assert.ok(
      cluster.sightings.every(({ type }) => type !== 'picture'),
      'what cannot be seen is not said to be gone',
    )

    api.rules([mayRead('a'), mayRead('b'), mayRead('c')])
    await cluster.until('all three', () => cluster.names().length === 3 && cluster.note() === undefined)
    assert.equal(cluster.error('watch/services/b'), undefined)
    assert.ok(cluster.sightings.some(({ type }) => type === 'picture'))
  })

  it('may be withdrawn: what was seen stays, as failing, until it is granted again', async () => {
    await using api = await startKubeApi()
    for (const namespace of ['a', 'b']) api.store.put('services', service(`in-${namespace}`, { namespace }))
    await using cluster = await observeCluster(api, { config: { namespaces: ['a', 'b'] } })
    await cluster.until('all watches', () => api.watches().length === 6)

    api.rules([mayRead('a')])
    await api.stop()
    await api.start()
    await cluster.until('it says so', () => cluster.error('service/b/in-b') !== undefined)
    assert.deepEqual(cluster.names(), ['in-a', 'in-b'])
    assert.equal(cluster.error('service/a/in-a'), undefined)

    api.rules([mayRead('a'), mayRead('b')])
    await cluster.until('it is well', () => cluster.error('service/b/in-b') === undefined)
    assert.deepEqual(cluster.names(), ['in-a', 'in-b'])
  })

  it('may be the own namespace only: then that is watched, until all may be', async () => {
    await using api = await startKubeApi()
    for (const namespace of ['own', 'other']) api.store.put('services', service(`in-${namespace}`, { namespace }))
    api.rules([mayRead('own')])
    await using cluster = await observeCluster(api, { context: { namespace: 'own' } })

    await cluster.until('the own', () => cluster.names().length === 1)
    await cluster.until('the note', () =>
      /services only of namespace own: not allowed to list those of all/.test(cluster.note() ?? ''),
    )
    assert.deepEqual(
      [...cluster.origins.values()].filter(({ error }) => error),
      [],
    )
    api.store.put('services', service('new', { namespace: 'own' }))
    await cluster.until('what is new there', () => cluster.names().includes('new'))

    api.rules([mayRead('*')])
    await cluster.until('all', () => cluster.names().length === 3 && cluster.note() === undefined)
    await cluster.until('no watch too many', () => api.watches().length === 3)
  })

  it('may leave out EndpointSlices: then nothing is said of endpoints', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.store.put('endpointslices', slice('weather', { ready: [] }))
    api.rules([mayRead('*', ['services', 'configmaps'])])
    await using cluster = await observeCluster(api)

    await cluster.until('the note', () => /endpoints are not known: .*forbidden/.test(cluster.note() ?? ''))
    assert.equal(cluster.sightings.find(({ type }) => type !== 'alive')?.type, 'picture')
    assert.deepEqual(
      cluster.entries('service/prod/weather').map((entry) => 'reported' in entry),
      [false],
    )
  })

  it('may allow lists and no watch: then it is listed now and then', async () => {
    await using api = await startKubeApi()
    api.rules([{ namespace: '*', resources: all, verbs: ['list'] }])
    await using cluster = await observeCluster(api)
    await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)

    api.store.put('services', service('weather'))

    await cluster.until('what is new', () => cluster.names().includes('weather'))
  })
})

describe('where there is no cluster (K13)', () => {
  async function say(config: Record<string, unknown>, env: Record<string, string> = {}): Promise<Sighting[]> {
    const stop = new AbortController()
    const source = openKubernetes(KubernetesConfig.parse({ type: 'kubernetes', ...config }), { env })
    const sightings: Sighting[] = []
    const wake = createWakeSignal({ signal: stop.signal })
    for await (const sighting of source({ signal: stop.signal, wake, push: () => {} })) sightings.push(sighting)
    return sightings
  }

  it('is disabled, and quiet about it', async () => {
    assert.deepEqual(await say({}), [{ type: 'alive', note: 'not in a cluster, and no kubeconfig is configured' }])
  })

  it('does not load the client, nor anything else that is heavy', async () => {
    const { execFileSync } = await import('node:child_process')
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
      const { kinds } = await import(${JSON.stringify(new URL('../../../../src/sources/catalogue.ts', import.meta.url).href)})
      const config = kinds.find((kind) => kind.type === 'kubernetes').config.parse({ type: 'kubernetes' })
      console.log(JSON.stringify(loaded.filter((url) => /client-node|undici|js-yaml/.test(url))))`
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString().trim(), '[]')
  })

  const mistakes = {
    'a file that is not there': [
      { kubeconfig: '/nowhere/config' },
      /the kubeconfig \/nowhere\/config cannot be used: ENOENT/,
    ],
    'no kubeconfig': ['just text', /it is no kubeconfig|it has no context/],
    'a context that is not there': [{ context: 'x' }, /it has no context "x"; it has: one/],
    'no YAML': ['a: [', /it is no kubeconfig in YAML or JSON/],
  } as const
  for (const [name, [mistake, expected]] of Object.entries(mistakes)) {
    it(`says what is wrong with ${name}`, async () => {
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
        await assert.rejects(say(config), (error: Error & { class?: string }) => {
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

describe('who may introduce commands', () => {
  const may = (config: Record<string, unknown>, namespace: string) =>
    kubernetes.mayIntroduceStdio(KubernetesConfig.parse({ type: 'kubernetes', ...config }), namespace)

  it('is whoever may write to a namespace that the operator named', () => {
    assert.deepEqual(
      [may({ namespaces: ['prod'] }, 'prod'), may({ namespaces: ['prod'] }, 'dev'), may({}, 'prod')],
      [true, false, false],
    )
  })
})
