import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type KubeApi, startKubeApi } from '../../../fakes/kube-api.ts'
import type { KubeRequest } from '../../../fakes/kube-request.ts'
import { expired, status, tooLarge } from '../../../fakes/kube-status.ts'
import { service, type ObservedCluster, observeCluster } from '../observed-cluster.ts'

const lists = ({ requests }: KubeApi, resource = 'services') =>
  requests.filter((one) => one.verb === 'list' && one.resource?.plural === resource).length

const isWatch = ({ verb, resource }: KubeRequest) => verb === 'watch' && resource?.plural === 'services'

/** Origins of Services that were ever said to be gone. */
function goneEver({ sightings }: ObservedCluster): string[] {
  return sightings
    .flatMap((sighting) => (sighting.type === 'change' ? sighting.gone : []))
    .filter((gone) => gone.startsWith('service/'))
}

async function started(api: KubeApi, options: Parameters<typeof observeCluster>[1] = {}): Promise<ObservedCluster> {
  const cluster = await observeCluster(api, options)
  await cluster.until('the picture', () => cluster.sightings.some(({ type }) => type === 'picture'))
  await cluster.until('all watches', () => api.watches().length >= 3)
  return cluster
}

describe('a watch whose version is too old (K01)', () => {
  for (const gone of ['status', 'event', 'open event'] as const) {
    it(`lists once more, told by ${gone}, and sees what happened meanwhile`, async () => {
      await using api = await startKubeApi()
      for (const name of ['stays', 'goes', 'changes']) api.store.put('services', service(name))
      api.habits.gone = gone
      await using cluster = await started(api)

      await api.stop()
      api.store.remove('services', 'prod', 'goes')
      api.store.put('services', service('comes'))
      api.store.put('services', service('changes', { annotations: { 'mcp-roster.io/title': 'new' } }))
      api.store.forget()
      await api.start()

      await cluster.until('the new picture', () => cluster.names().includes('comes'))
      assert.deepEqual(cluster.names(), ['changes', 'comes', 'stays'])
      assert.match(JSON.stringify(cluster.entries('service/prod/changes')), /"title":"new"/)
      assert.equal(lists(api), 2)
      assert.deepEqual(goneEver(cluster), [])
    })
  }

  it('lists once more when an open watch is told so, even if it is not closed', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    await using cluster = await started(api)

    api.inject('ERROR', expired('1', '2'), isWatch)

    await cluster.until('the second list', () => lists(api) === 2)
    await cluster.until('the next watch', () => api.watches().filter(isWatch).length === 1)
    api.store.put('services', service('storm'))
    await cluster.until('what comes then', () => cluster.names().includes('storm'))
    assert.deepEqual([lists(api), lists(api, 'configmaps')], [2, 1])
  })

  it('lists once more when the pages of a list are too old', async () => {
    await using api = await startKubeApi()
    for (let i = 0; i < 25; i++) api.store.put('services', service(`s${i}`))
    api.fail({
      when: ({ query, resource }) => resource?.plural === 'services' && query.has('continue'),
      times: 1,
      answer: status(410, 'Expired', 'old'),
    })

    await using cluster = await started(api, { habits: { pageSize: 10 } })

    assert.equal(cluster.names().length, 25)
    assert.equal(lists(api), 2 + 3)
  })
})

describe('an API server that fails (K04, K06)', () => {
  const faults = {
    '500': { answer: status(500, 'InternalError', 'no') },
    '429': { answer: status(429, 'TooManyRequests', 'later'), headers: { 'retry-after': '0' } },
    '401': { answer: status(401, 'Unauthorized', 'Unauthorized') },
    'a cut connection': { cut: true },
  }
  for (const [name, fault] of Object.entries(faults)) {
    it(`keeps everything over ${name}, says so, asks rarely, and goes on from where it was`, async () => {
      await using api = await startKubeApi()
      api.store.put('services', service('weather'))
      await using cluster = await started(api)

      api.fail({ when: () => true, ...fault })
      await api.stop()
      await api.start()
      const before = api.requests.length
      await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)
      // What takes a minute takes 50 times less with the pauses of this test: 20 ms doubling to 200 ms.
      await cluster.until('the sixth try', () => api.requests.length - before >= 6)
      assert.deepEqual(
        cluster.names().filter((name) => name === 'weather'),
        ['weather'],
      )
      api.store.put('services', service('storm'))
      api.heal()

      await cluster.until(
        'it is well',
        () => cluster.names().includes('storm') && cluster.error('watch/services') === undefined,
      )
      assert.equal(lists(api), 1)
      assert.deepEqual(goneEver(cluster), [])
    })
  }

  it('makes at most ten requests in the first minute of an outage, however many watches there are', async () => {
    await using api = await startKubeApi()
    await using cluster = await started(api, {
      config: { namespaces: ['a', 'b', 'c', 'd', 'e'] },
      // One second here is a minute of the usual pauses.
      habits: { minRetryMs: 1000 / 60, maxRetryMs: 30_000 / 60 },
    })
    api.fail({ when: () => true, cut: true })
    await api.stop()
    await api.start()
    const since = performance.now()

    await cluster.until('a minute', () => performance.now() - since > 1000)

    const made = api.requests.filter(({ at }) => at > since).length
    assert.ok(made >= 4 && made <= 10, `made ${made}`)
  })

  it('waits as long as it is asked to', async () => {
    await using api = await startKubeApi()
    await using cluster = await started(api)
    api.fail({
      when: () => true,
      times: 1,
      answer: status(429, 'TooManyRequests', 'later'),
      headers: { 'retry-after': '1' },
    })
    await api.stop()
    await api.start()
    const since = performance.now()

    await cluster.until('the watches are back', () => api.watches().length === 3)

    const [first, second] = api.requests.filter(({ at }) => at > since)
    assert.ok(first && second && second.at - first.at >= 990)
  })

  it('is asked at once when somebody wants to know, and that it fails is the answer', async () => {
    await using api = await startKubeApi()
    await using cluster = await started(api, {
      habits: { minRetryMs: 60_000, maxRetryMs: 60_000, maxSilenceMs: 60_000 },
    })
    await api.stop()
    await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)
    const before = cluster.sightings.length

    cluster.wake.raise()
    await cluster.until('the answer', () => cluster.sightings.length > before)
    assert.match(cluster.note() ?? '', /not connected/)

    await api.start()
    api.store.put('services', service('weather'))
    cluster.wake.raise()
    await cluster.until('what is there', () => cluster.names().includes('weather'))
  })

  it('is started while it is down, and sees everything once it is up', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    await api.stop()
    await using cluster = await observeCluster(api)
    await cluster.until('it says so', () => cluster.error('watch/services') !== undefined)
    assert.ok(cluster.sightings.every(({ type }) => type !== 'picture'))

    await api.start()

    await cluster.until('the picture', () => cluster.names().includes('weather'))
    await cluster.until('nothing to complain of', () => cluster.note() === undefined)
    assert.ok(cluster.sightings.some(({ type }) => type === 'picture'))
    assert.deepEqual([...cluster.origins.keys()], ['service/prod/weather'])
  })
})

describe('versions (K08)', () => {
  it('waits for a server that has yet to hear of the version', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    api.fail({ when: isWatch, times: 2, answer: tooLarge('9', '1') })

    await using cluster = await started(api)

    assert.deepEqual(cluster.names(), ['weather'])
    assert.equal(lists(api), 1)
  })

  it('lists anew when a server has lost its memory of the version for good', async () => {
    await using api = await startKubeApi()
    let lost = false
    api.fail({ when: (request) => isWatch(request) && lost, times: 3, answer: tooLarge('9', '1') })
    await using cluster = await started(api)

    lost = true
    await api.stop()
    await api.start()

    await cluster.until('the second list', () => lists(api) === 2)
    await cluster.until('the watch', () => api.watches().filter(isWatch).length === 1)
  })
})

describe('what comes through a watch', () => {
  it('may come in pieces of any size, in the middle of a character too', async () => {
    await using api = await startKubeApi()
    api.habits.chunk = 1
    await using cluster = await started(api)

    api.store.put('services', service('wetter', { annotations: { 'mcp-roster.io/title': 'Wetter für 東京 🌦' } }))

    await cluster.until('the Service', () =>
      JSON.stringify(cluster.entries('service/prod/wetter')).includes('Wetter für 東京 🌦'),
    )
  })

  it('may be no event: then the watch is made anew from where it was', async () => {
    await using api = await startKubeApi()
    api.store.put('services', service('weather'))
    let spoil = false
    api.fail({
      when: (request) => isWatch(request) && spoil,
      times: 1,
      run: (response) => void response.end('{"type":"ADDED","obj\n{}\n'),
    })
    await using cluster = await started(api)

    spoil = true
    await api.stop()
    await api.start()
    await cluster.until('the watches', () => api.watches().length === 3)
    api.store.put('services', service('storm'))

    await cluster.until('what comes then', () => cluster.names().includes('storm'))
    assert.equal(lists(api), 1)
  })

  it('may have no end: then the watch is cut before it fills the memory', async () => {
    await using api = await startKubeApi()
    let spoil = false
    api.fail({
      when: (request) => isWatch(request) && spoil,
      times: 1,
      run: (response) => void response.write('x'.repeat(300_000)),
    })
    await using cluster = await started(api, { habits: { maxLineBytes: 100_000 } })

    spoil = true
    await api.stop()
    await api.start()

    await cluster.until(
      'it says so',
      () => cluster.error('watch/services')?.message.includes('larger than 100000 bytes') ?? false,
    )
    await cluster.until('the watch', () => api.watches().filter(isWatch).length === 1)
  })

  it('may be any object: nothing falls over, and the rest is seen (K12)', async () => {
    await using api = await startKubeApi()
    await using cluster = await started(api)
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
    await cluster.until('what comes then', () => cluster.names().includes('weather'))
    assert.equal(cluster.failure(), undefined)
    assert.match(cluster.note() ?? '', /objects could not be made out/)
  })
})
