import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HostLookup } from '../../src/outbound/connection-pools.ts'
import { createDnsLookup } from '../../src/outbound/dns-lookup.ts'

/** A system that answers when told to, and keeps count. */
function createSystem() {
  const open: { hostname: string; answer: (error?: Error) => void }[] = []
  const asked: string[] = []
  let now = 0
  const lookup: HostLookup = (hostname, _options, callback) => {
    asked.push(hostname)
    open.push({ hostname, answer: (error) => callback(error ?? null, [{ address: '10.0.0.1', family: 4 }]) })
  }
  const answer = (name: string, error?: Error) => {
    const at = open.findIndex(({ hostname }) => hostname === name)
    open.splice(at, 1)[0]?.answer(error)
  }
  return { names: createDnsLookup({ lookup, now: () => now }), asked, answer, pass: (ms: number) => void (now += ms) }
}

describe('looking names up', () => {
  it('asks for a name once, however many wait for it', () => {
    const { names, asked, answer } = createSystem()
    let answers = 0
    for (let times = 0; times < 5; times++) names('a', { all: true }, () => answers++)
    answer('a')
    assert.equal(answers, 5)
    assert.deepEqual(asked, ['a'])

    names('a', { all: true }, () => answers++)
    assert.deepEqual(asked, ['a', 'a'], 'an answer is not kept: the address may have moved')
  })

  it('lets names that are not answered wait for each other, and nobody for them', () => {
    const { names, asked, answer, pass } = createSystem()
    const dead = ['d1', 'd2', 'd3']
    const seen: string[] = []
    const ask = (name: string) => names(name, { all: true }, () => seen.push(name))
    const unanswered = Object.assign(new Error('no server answered'), { code: 'EAI_AGAIN' })
    for (const name of [...dead, 'good']) ask(name)
    pass(5000)
    for (const name of dead) answer(name, unanswered)
    answer('good')
    asked.length = 0

    for (const name of [...dead, 'good']) ask(name)
    assert.deepEqual(asked, ['d1', 'good'])
    pass(10)
    answer('d1')
    assert.deepEqual(asked, ['d1', 'good', 'd2'])
    answer('d2')
    answer('d3')
    ask('d1')
    ask('d2')
    assert.deepEqual(asked.slice(4), ['d1', 'd2'], 'who answered at once is trusted again')
    assert.equal(seen.filter((name) => name === 'd3').length, 2)
  })
})
