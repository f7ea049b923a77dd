import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDnsLookup, type HostLookup } from '../../src/outbound/dns-lookup.ts'

/** A system resolver that records each lookup and responds on demand. */
function createResolver({ unanswered = [], maxRunning = 16 }: { unanswered?: string[]; maxRunning?: number } = {}) {
  const asked: string[] = []
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
    resolve: createDnsLookup({
      lookup,
      isAnswered: async (hostname) => (asked.push(hostname), !unanswered.includes(hostname)),
      maxRunning,
      now: () => now,
    }),
    resolveUnasked: createDnsLookup({ lookup, maxRunning, now: () => now }),
    lookups,
    asked,
    unanswered,
    answer,
    advance: (ms: number) => void (now += ms),
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('DNS lookup', () => {
  it('resolves a name once for all concurrent callers, and caches no answer', () => {
    const { resolveUnasked: resolve, lookups, answer } = createResolver()
    let answers = 0
    for (let times = 0; times < 5; times++) resolve('a', { all: true }, () => answers++)
    answer('a')
    assert.equal(answers, 5)
    assert.deepEqual(lookups, ['a'])

    resolve('a', { all: true }, () => answers++)
    assert.deepEqual(lookups, ['a', 'a'], 'the address may have changed')
  })

  it('resolves names without a response one at a time, and other names beside them', () => {
    const { resolveUnasked: resolve, lookups, answer, advance } = createResolver()
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

  it('leaves the system resolver to names that name servers answer for, new ones too', async () => {
    const dead = Array.from({ length: 20 }, (_, at) => `d${at}`)
    const { resolve, lookups, answer } = createResolver({ unanswered: [...dead] })
    const failed: string[] = []
    let addresses = 0
    for (const name of dead) resolve(name, { all: true }, (error) => failed.push(String(error?.code)))
    resolve('good', { all: true }, (_, { length }) => (addresses += length))
    await turn()

    assert.deepEqual(failed, Array(20).fill('EAI_AGAIN'), 'the callers need not wait for a thread')
    assert.deepEqual(lookups.toSorted(), ['d0', 'good'], 'one of them may be in a file of hosts')
    answer('good')
    answer('d0')
    assert.equal(addresses, 1)
    assert.equal(lookups.at(-1), 'd1')
  })

  it('asks no name server about names that were resolved fast, unless the system resolver is stuck', async () => {
    const { resolve, lookups, answer, asked, advance, unanswered } = createResolver({ unanswered: ['host'] })
    const codes: unknown[] = []
    const request = (name: string) => resolve(name, { all: true }, (error) => codes.push(error?.code))
    for (const name of ['a', 'b', 'host']) request(name)
    await turn()
    for (const name of ['a', 'b', 'host']) answer(name)
    for (const name of ['a', 'host']) request(name)
    await turn()

    assert.deepEqual(lookups, ['a', 'b', 'host', 'a', 'host'])
    assert.deepEqual(asked, ['a', 'b', 'host'])

    answer('host')
    advance(1500)
    unanswered.push('a', 'b')
    request('b')
    await turn()
    assert.deepEqual(asked, ['a', 'b', 'host', 'b'], 'a lookup of another name takes more than a second')
    assert.deepEqual(codes.at(-1), 'EAI_AGAIN')
  })

  it('asks no name server about this host', async () => {
    const { resolve, lookups, asked } = createResolver({ unanswered: ['localhost', 'app.localhost'] })
    for (const name of ['localhost', 'app.localhost']) resolve(name, { all: true }, () => {})
    await turn()

    assert.deepEqual([lookups, asked], [['localhost', 'app.localhost'], []])
  })

  it('gives the system resolver no more than it has threads for, and fails what waits too long', async () => {
    const { resolve, lookups, answer, advance } = createResolver({ maxRunning: 2 })
    const outcomes: string[] = []
    const request = (name: string) => resolve(name, { all: true }, (error) => outcomes.push(error?.code ?? name))
    for (const name of ['a', 'b', 'c', 'd', 'e']) request(name)
    await turn()
    assert.deepEqual(lookups, ['a', 'b'])

    answer('a')
    assert.deepEqual(lookups, ['a', 'b', 'c'])
    advance(10_001)
    request('f')
    await turn()
    answer('b')

    assert.deepEqual(lookups, ['a', 'b', 'c', 'f'])
    assert.deepEqual(outcomes, ['a', 'b', 'EAI_AGAIN', 'EAI_AGAIN'], 'd and e have waited too long')
  })
})
