import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDnsLookup, type HostLookup } from '../../src/outbound/dns-lookup.ts'

/** A system resolver that records each lookup and responds on demand. */
function createResolver() {
  const pending: { hostname: string; answer: (error?: Error) => void }[] = []
  const lookups: string[] = []
  let now = 0
  const lookup: HostLookup = (hostname, _options, callback) => {
    lookups.push(hostname)
    pending.push({ hostname, answer: (error) => callback(error ?? null, [{ address: '10.0.0.1', family: 4 }]) })
  }
  const answer = (name: string, error?: Error) => {
    const at = pending.findIndex(({ hostname }) => hostname === name)
    pending.splice(at, 1)[0]?.answer(error)
  }
  return {
    resolve: createDnsLookup({ lookup, now: () => now }),
    lookups,
    answer,
    advance: (ms: number) => void (now += ms),
  }
}

describe('DNS lookup', () => {
  it('resolves a name once for all concurrent callers, and caches no answer', () => {
    const { resolve, lookups, answer } = createResolver()
    let answers = 0
    for (let times = 0; times < 5; times++) resolve('a', { all: true }, () => answers++)
    answer('a')
    assert.equal(answers, 5)
    assert.deepEqual(lookups, ['a'])

    resolve('a', { all: true }, () => answers++)
    assert.deepEqual(lookups, ['a', 'a'], 'the address may have changed')
  })

  it('resolves names without a response one at a time, and other names beside them', () => {
    const { resolve, lookups, answer, advance } = createResolver()
    const dead = ['d1', 'd2', 'd3']
    const resolved: string[] = []
    const request = (name: string) => resolve(name, { all: true }, () => resolved.push(name))
    const unanswered = Object.assign(new Error('no server answered'), { code: 'EAI_AGAIN' })
    for (const name of [...dead, 'good']) request(name)
    advance(5000)
    for (const name of dead) answer(name, unanswered)
    answer('good')
    lookups.length = 0

    for (const name of [...dead, 'good']) request(name)
    assert.deepEqual(lookups, ['d1', 'good'])
    advance(10)
    answer('d1')
    assert.deepEqual(lookups, ['d1', 'good', 'd2'])
    answer('d2')
    answer('d3')
    request('d1')
    request('d2')
    assert.deepEqual(lookups.slice(4), ['d1', 'd2'], 'a fast answer ends the serialization of a name')
    assert.equal(resolved.filter((name) => name === 'd3').length, 2)
  })
})
