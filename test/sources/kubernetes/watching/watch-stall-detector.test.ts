import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type KubeApi, startKubeApi } from '../../../fakes/kube-api.ts'
import { observeCluster, service } from '../observed-cluster.ts'

const listsOf = (api: KubeApi) => api.requests.filter(({ verb }) => verb === 'list').length

describe('watch with a connection of its own', () => {
  it('is restarted after a silence, and loses no change', async () => {
    await using api = await startKubeApi()
    await using cluster = await observeCluster(api, { tuning: { stallMs: 200 } })
    await cluster.until('all watches', () => api.watches().length === 3)

    const lists = listsOf(api)

    api.freeze()
    api.store.put('services', service('weather'))

    await cluster.until('the change in between', () => cluster.names().includes('weather'))
    assert.equal(listsOf(api), lists)
  })

  it('is rarely restarted while it is quiet: one list and few watches in five minutes', async () => {
    await using api = await startKubeApi()
    // One second stands for five minutes: bookmarks each minute, the first restart after 50 s.
    api.watchSettings.bookmarkIntervalMs = 200
    await using cluster = await observeCluster(api, { tuning: { stallMs: 1000 / 6, healthCheckMs: 1000 / 12 } })
    await cluster.until('all watches', () => api.watches().length === 3)
    const since = performance.now()

    await cluster.until('five minutes', () => performance.now() - since > 1000)

    const count = (verb: string) =>
      api.requests.filter((one) => one.verb === verb && one.resource?.plural === 'services').length
    assert.equal(count('list'), 1)
    assert.ok(count('watch') <= 2, `watched ${count('watch')} times`)
    api.store.put('services', service('weather'))
    await cluster.until('the next change', () => cluster.names().includes('weather'))
  })
})
