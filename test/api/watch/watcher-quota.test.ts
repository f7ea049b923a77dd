import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWatcherQuota } from '../../../src/api/watch/watcher-quota.ts'
import type { Principal } from '../../../src/model/principal.ts'
import { limits } from './watch-server.ts'

const principal = (name: string): Principal => ({ name, role: 'reader', secrets: false })

describe('the watcher quota', () => {
  const create = () =>
    createWatcherQuota({ limits: () => limits({ max_watchers: 3, max_watchers_per_token: 1 }), random: () => 0.5 })

  it('refuses a token beyond its limit until one of its watchers leaves', () => {
    const quota = create()
    quota.add(principal('portal'))

    assert.equal(quota.refusal(principal('portal'))?.code, 'token_watcher_limit_reached')
    assert.equal(quota.refusal(principal('other')), undefined)
    quota.remove(principal('portal'))
    assert.equal(quota.refusal(principal('portal')), undefined)
  })

  it('counts anonymous watchers against the limit of all only', () => {
    const quota = create()
    for (let count = 0; count < 3; count += 1) {
      assert.equal(quota.refusal(principal('anonymous')), undefined)
      quota.add(principal('anonymous'))
    }

    const refusal = quota.refusal(principal('anonymous'))

    assert.deepEqual([refusal?.code, refusal?.headers['retry-after']], ['watcher_limit_reached', '6'])
  })

  it('refuses every watcher once it is closed', () => {
    const quota = create()

    quota.close()

    assert.equal(quota.refusal(principal('portal'))?.code, 'shutting_down')
  })
})
