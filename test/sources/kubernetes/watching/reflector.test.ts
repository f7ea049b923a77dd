import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type KubeApi, startKubeApi } from '../../../fakes/kube-api.ts'
import type { KubeRequest } from '../../../fakes/kube-request.ts'
import { expiredVersion, kubeStatus, unknownVersion } from '../../../fakes/kube-status.ts'
import { service, type ObservedCluster, observeCluster } from '../observed-cluster.ts'

const lists = ({ requests }: KubeApi, resource = 'services') =>
  requests.filter((one) => one.verb === 'list' && one.resource?.plural === resource).length

const isWatch = ({ verb, resource }: KubeRequest) => verb === 'watch' && resource?.plural === 'services'

/** Origins of Services that any sighting reported as gone. */
function removedOrigins({ sightings }: ObservedCluster): string[] {
  return sightings
    .flatMap((sighting) => (sighting.type === 'change' ? sighting.gone : []))
    .filter((gone) => gone.startsWith('service/'))
}

async function startObserving(
  api: KubeApi,
  options: Parameters<typeof observeCluster>[1] = {},
): Promise<ObservedCluster> {
  const cluster = await observeCluster(api, options)
  await cluster.until('the picture', () => cluster.sightings.some(({ type }) => type === 'picture'))
  await cluster.until('all watches', () => api.watches().length >= 3)
  return cluster
}

describe('watch with an expired version', () => {
  for (const form of ['status', 'event', 'open event'] as const) {
    it(`lists again after a ${form}, and sees all changes in between`, async () => {
      await using api = await startKubeApi()
      for (const name of ['stays', 'goes', 'changes']) api.store.put('services', service(name))
      api.watchSettings.expiredAs = form
      await using cluster = await startObserving(api)

      await api.stop()
      api.store.remove('services', 'prod', 'goes')
      api.store.put('services', service('comes'))
      api.store.put('services', service('changes', { annotations: { 'mcp-roster.io/title': 'new' } }))
      api.store.compact()
      await api.start()

      await cluster.until('the new picture', () => cluster.names().includes('comes'))
      assert.deepEqual(cluster.names(), ['changes', 'comes', 'stays'])
      assert.match(JSON.stringify(cluster.entries('service/prod/changes')), /"title":"new"/)
      assert.equal(lists(api), 2)
      assert.deepEqual(removedOrigins(cluster), [])
    })
  }

  it('lists again when an open watch reports it without closing', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    await using cluster = await startObserving(api)

    api.inject('ERROR', expiredVersion('1', '2'), isWatch)

    await cluster.until('the second list', () => lists(api) === 2)
    await cluster.until('the next watch', () => api.watches().filter(isWatch).length === 1)
    api.store.put('services', service('storm'))
    await cluster.until('the next Service', () => cluster.names().includes('storm'))
    assert.deepEqual([lists(api), lists(api, 'configmaps')], [2, 1])
  })

  it('lists again when the pages of a list have expired', async () => {
    await using api = await startKubeApi()
    for (let i = 0; i < 25; i++) api.store.put('services', service(`s${i}`))
    api.fail({
      when: ({ query, resource }) => resource?.plural === 'services' && query.has('continue'),
      times: 1,
      answer: kubeStatus(410, 'Expired', 'old'),
    })

    await using cluster = await startObserving(api, { tuning: { pageSize: 10 } })

    assert.equal(cluster.names().length, 25)
    assert.equal(lists(api), 2 + 3)
  })
})

describe('failing API server', () => {
  const faults = {
    'status 500': { answer: kubeStatus(500, 'InternalError', 'no') },
    'status 429': { answer: kubeStatus(429, 'TooManyRequests', 'later'), headers: { 'retry-after': '0' } },
    'status 401': { answer: kubeStatus(401, 'Unauthorized', 'Unauthorized') },
    'connection resets': { reset: true },
  }
  for (const [name, fault] of Object.entries(faults)) {
    it(`keeps all servers during ${name}, reports it, backs off, and resumes the watch afterwards`, async () => {
      await using api = await startKubeApi()
      api.store.put('services', service('weather'))
      await using cluster = await startObserving(api)

      api.fail({ when: () => true, ...fault })
      await api.stop()
      await api.start()
      const before = api.requests.length
      await cluster.until('the error', () => cluster.error('watch/services') !== undefined)
      // A minute of backoff lasts 1.2 s here: 20 ms doubling to 200 ms.
      await cluster.until('the sixth try', () => api.requests.length - before >= 6)
      assert.deepEqual(
        cluster.names().filter((name) => name === 'weather'),
        ['weather'],
      )
      api.store.put('services', service('storm'))
      api.heal()

      await cluster.until(
        'the recovery',
        () => cluster.names().includes('storm') && cluster.error('watch/services') === undefined,
      )
      assert.equal(lists(api), 1)
      assert.deepEqual(removedOrigins(cluster), [])
    })
  }

  it('gets at most ten requests in the first minute of an outage, however many watches there are', async () => {
    await using api = await startKubeApi()
    await using cluster = await startObserving(api, {
      config: { namespaces: ['a', 'b', 'c', 'd', 'e'] },
      // One second stands for a minute of the default intervals.
      tuning: { minRetryMs: 1000 / 60, maxRetryMs: 30_000 / 60 },
    })
    api.fail({ when: () => true, reset: true })
    await api.stop()
    await api.start()
    const since = performance.now()

    await cluster.until('a minute', () => performance.now() - since > 1000)

    const requests = api.requests.filter(({ at }) => at > since).length
    assert.ok(requests >= 4 && requests <= 10, `${requests} requests`)
  })

  it('is not retried before its Retry-After', async () => {
    await using api = await startKubeApi()
    await using cluster = await startObserving(api)
    api.fail({
      when: () => true,
      times: 1,
      answer: kubeStatus(429, 'TooManyRequests', 'later'),
      headers: { 'retry-after': '1' },
    })
    await api.stop()
    await api.start()
    const since = performance.now()

    await cluster.until('the watches are back', () => api.watches().length === 3)

    const [first, second] = api.requests.filter(({ at }) => at > since)
    assert.ok(first && second && second.at - first.at >= 990)
  })

  it('is tried at once by a refresh, whose answer is the failure', async () => {
    await using api = await startKubeApi()
    await using cluster = await startObserving(api, {
      tuning: { minRetryMs: 60_000, maxRetryMs: 60_000, maxSilenceMs: 60_000 },
    })
    await api.stop()
    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)
    const before = cluster.sightings.length

    cluster.wake.raise()
    await cluster.until('the answer', () => cluster.sightings.length > before)
    assert.match(cluster.note() ?? '', /not connected/)

    await api.start()
    api.store.put('services', service('weather'))
    cluster.wake.raise()
    await cluster.until('what is there', () => cluster.names().includes('weather'))
  })

  it('is listed completely after it was down at the start', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    await api.stop()
    await using cluster = await observeCluster(api)
    await cluster.until('the error', () => cluster.error('watch/services') !== undefined)
    assert.ok(cluster.sightings.every(({ type }) => type !== 'picture'))

    await api.start()

    await cluster.until('the picture', () => cluster.names().includes('weather'))
    await cluster.until('no note', () => cluster.note() === undefined)
    assert.ok(cluster.sightings.some(({ type }) => type === 'picture'))
    assert.deepEqual([...cluster.origins.keys()], ['service/prod/weather'])
  })
})

describe('unknown resource version', () => {
  it('is retried until the server knows the version', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.fail({ when: isWatch, times: 2, answer: unknownVersion('9', '1') })

    await using cluster = await startObserving(api)

    assert.deepEqual(cluster.names(), ['weather'])
    assert.equal(lists(api), 1)
  })

  it('leads to another list if the server never learns the version', async () => {
    await using api = await startKubeApi()
    let isVersionLost = false
    api.fail({ when: (request) => isWatch(request) && isVersionLost, times: 3, answer: unknownVersion('9', '1') })
    await using cluster = await startObserving(api)

    isVersionLost = true
    await api.stop()
    await api.start()

    await cluster.until('the second list', () => lists(api) === 2)
    await cluster.until('the watch', () => api.watches().filter(isWatch).length === 1)
  })
})

describe('events of a watch', () => {
  it('may arrive in chunks of any size, split within a character', async () => {
    await using api = await startKubeApi()
    api.watchSettings.chunkBytes = 1
    await using cluster = await startObserving(api)

    api.store.put('services', service('wetter', { annotations: { 'mcp-roster.io/title': 'Wetter für 東京 🌦' } }))

    await cluster.until('the Service', () =>
      JSON.stringify(cluster.entries('service/prod/wetter')).includes('Wetter für 東京 🌦'),
    )
  })

  it('may be invalid: the watch is restarted at its last version', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    let isSpoiled = false
    api.fail({
      when: (request) => isWatch(request) && isSpoiled,
      times: 1,
      run: (response) => void response.end('{"type":"ADDED","obj\n{}\n'),
    })
    await using cluster = await startObserving(api)

    isSpoiled = true
    await api.stop()
    await api.start()
    await cluster.until('the watches', () => api.watches().length === 3)
    api.store.put('services', service('storm'))

    await cluster.until('the next Service', () => cluster.names().includes('storm'))
    assert.equal(lists(api), 1)
  })

  it('may be endless: the watch is aborted before it fills the memory', async () => {
    await using api = await startKubeApi()
    let isSpoiled = false
    api.fail({
      when: (request) => isWatch(request) && isSpoiled,
      times: 1,
      run: (response) => void response.write('x'.repeat(300_000)),
    })
    await using cluster = await startObserving(api, { tuning: { maxLineBytes: 100_000 } })

    isSpoiled = true
    await api.stop()
    await api.start()

    await cluster.until(
      'the error',
      () => cluster.error('watch/services')?.message.includes('larger than 100000 bytes') ?? false,
    )
    await cluster.until('the watch', () => api.watches().filter(isWatch).length === 1)
  })

  it('may carry any object: the watch survives and other objects are listed', async () => {
    await using api = await startKubeApi()
    await using cluster = await startObserving(api)
    const metadata = { name: 'x', namespace: 'prod' }
    const odd = [
      {},
      null,
      7,
      [],
      { metadata: null },
      { metadata: {} },
      { metadata: { name: 7 } },
      { metadata, spec: { ports: [null] } },
      { metadata, data: null },
      { metadata, data: { 'a.yaml': null } },
      { metadata: { ...metadata, labels: { a: 1 } } },
      { metadata, endpoints: [null] },
      { metadata: { ...metadata, annotations: [] }, spec: 'no' },
      { __proto__: null, metadata: { name: '__proto__', namespace: '__proto__' } },
    ]

    for (const object of odd)
      for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'NEWS']) api.inject(type, object)

    await cluster.until('the watches are back', () => api.watches().length === 3)
    api.store.put('services', service('weather'))
    await cluster.until('the next Service', () => cluster.names().includes('weather'))
    assert.equal(cluster.failure(), undefined)
    assert.match(cluster.note() ?? '', /unreadable objects/)
  })
})

describe('renewed watch', () => {
  it('resumes at its last bookmark after older versions have expired', async () => {
    await using api = await startKubeApi()
    api.watchSettings.bookmarkIntervalMs = 20
    await using cluster = await observeCluster(api)
    await cluster.until('all watches', () => api.watches().length === 3)

    api.store.compact()
    const since = performance.now()
    await cluster.until('some bookmarks', () => performance.now() - since > 200)
    await api.stop()
    await api.start()

    await cluster.until('all watches again', () => api.watches().length === 3)
    assert.equal(api.requests.filter(({ verb }) => verb === 'list').length, 3)
  })

  it('is renewed at its last version after its timeout', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, { tuning: { minWatchMs: 500, random: () => 0.5 } })
    await cluster.until('the second watch', () => api.requests.filter(({ verb }) => verb === 'watch').length >= 6)

    api.store.put('services', service('weather'))

    await cluster.until('the next change', () => cluster.names().includes('weather'))
    assert.equal(api.requests.filter(({ verb }) => verb === 'list').length, 3)
    assert.equal(cluster.note(), undefined)
  })
})
