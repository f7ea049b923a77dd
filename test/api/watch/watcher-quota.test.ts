import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WatchConfig } from '../../../src/api/config/watch.ts'
import { createWatcherQuota } from '../../../src/api/watch/watcher-quota.ts'
import { limits } from './watch-server.ts'

const caller = (name: string, address = '192.0.2.1') => ({ name, address })
const create = (fields: Partial<WatchConfig>) => createWatcherQuota({ limits: () => limits(fields), random: () => 0.5 })

describe('the watcher quota', () => {
  it('refuses a token beyond its limit until one of its watchers leaves', () => {
    const quota = create({ max_watchers: 3, max_watchers_per_token: 1 })
    quota.add(caller('portal'))

    assert.equal(quota.refusal(caller('portal'))?.code, 'token_watcher_limit_reached')
    assert.equal(quota.refusal(caller('other')), undefined)
    quota.remove(caller('portal'))
    assert.equal(quota.refusal(caller('portal')), undefined)
  })

  it('counts all callers without a token as one token', () => {
    const quota = create({ max_watchers: 3, max_watchers_per_token: 1, max_watchers_per_address: 3 })
    quota.add(caller('anonymous', '192.0.2.1'))

    const refusal = quota.refusal(caller('anonymous', '192.0.2.2'))

    assert.equal(refusal?.code, 'token_watcher_limit_reached')
    assert.match(refusal?.message ?? '', /without a token \(1\)/)
  })

  it('refuses an address beyond its limit, whatever its tokens', () => {
    const quota = create({ max_watchers: 9, max_watchers_per_address: 2 })
    quota.add(caller('one'))
    quota.add(caller('two'))

    assert.equal(quota.refusal(caller('three'))?.code, 'address_watcher_limit_reached')
    assert.equal(quota.refusal(caller('three', '192.0.2.2')), undefined)
    quota.remove(caller('two'))
    assert.equal(quota.refusal(caller('three')), undefined)
  })

  it('leaves half of all places to other addresses unless the config says otherwise', () => {
    const quota = create({ max_watchers: 4 })
    quota.add(caller('one'))
    quota.add(caller('one'))

    assert.equal(quota.refusal(caller('one'))?.code, 'address_watcher_limit_reached')
  })

  it('leaves half of the places without a token to other addresses unless the config says otherwise', () => {
    const quota = create({ max_watchers: 100, max_watchers_per_token: 4 })
    for (const _ of [1, 2]) quota.add(caller('anonymous'))

    const refusal = quota.refusal(caller('anonymous'))
    assert.equal(refusal?.code, 'address_watcher_limit_reached')
    assert.match(refusal?.message ?? '', /\(2\)/)
    assert.equal(quota.refusal(caller('portal')), undefined)
    assert.equal(quota.refusal(caller('anonymous', '192.0.2.2')), undefined)
    quota.remove(caller('anonymous'))
    assert.equal(quota.refusal(caller('anonymous')), undefined)

    const configured = create({ max_watchers: 100, max_watchers_per_token: 4, max_watchers_per_address: 4 })
    for (const _ of [1, 2]) configured.add(caller('anonymous'))
    assert.equal(configured.refusal(caller('anonymous')), undefined)
  })

  it('refuses every watcher beyond the limit of all, and once it is closed', () => {
    const quota = create({ max_watchers: 1 })
    quota.add(caller('one'))

    const refusal = quota.refusal(caller('two', '192.0.2.2'))
    assert.deepEqual([refusal?.code, refusal?.headers['retry-after']], ['watcher_limit_reached', '6'])
    quota.remove(caller('one'))
    quota.close()
    assert.equal(quota.refusal(caller('two'))?.code, 'shutting_down')
  })
})
