import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDiscoveryCache } from '../../../src/health/evaluation/discovery-cache.ts'
import type { ProbeTarget } from '../../../src/health/probe-target.ts'

const target = (key: string): ProbeTarget => ({ key, targetKey: key, host: key, ids: new Set() })

function createCache() {
  let time = 0
  const cache = createDiscoveryCache({ clock: { now: () => time, wall: () => 1_000_000 + time } })
  return { ...cache, pass: (ms: number) => void (time += ms) }
}

const discovery = (fields: object = {}, ttlMs = 1000) => ({
  discovery: { result: { supportedVersions: ['v'], ...fields }, ttlMs },
})

describe('kept discover results', () => {
  it('end with their time to live', () => {
    const { record, get, pass } = createCache()
    const weather = target('weather')
    record(weather, discovery())

    pass(999)
    assert.deepEqual(JSON.parse(get(weather)?.json.toString() ?? ''), { supportedVersions: ['v'] })
    assert.deepEqual([get(weather)?.receivedAt, get(weather)?.expiresAt], [1_000_000, 1_001_000])
    pass(1)
    assert.equal(get(weather), undefined)
  })

  it('end with a probe that brings none, and with the target', () => {
    const { record, get, forget } = createCache()
    const [failing, gone] = [target('failing'), target('gone')]
    for (const one of [failing, gone]) record(one, discovery())

    record(failing, {})
    forget(gone)

    assert.deepEqual([get(failing), get(gone)], [undefined, undefined])
  })

  it('are bounded each and in all', () => {
    const { record, get } = createCache()
    const large = target('large')
    const targets = Array.from({ length: 2000 }, (_, index) => target(String(index)))

    record(large, discovery({ instructions: 'x'.repeat(17_000) }))
    for (const one of targets) record(one, discovery({ instructions: 'x'.repeat(15_000) }))

    const kept = targets.filter((one) => get(one) !== undefined)
    assert.equal(get(large), undefined)
    assert.ok(kept.length > 900 && kept.length * 15_000 <= 16 * 1024 * 1024, `${kept.length} are kept`)
    assert.ok(get(targets.at(-1) ?? large), 'the newest is kept')
  })
})
