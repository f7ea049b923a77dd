import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseStateToken } from '../../src/model/query/state-token.ts'
import { createChangeLog } from '../../src/registry/change-log.ts'
import { digestKeyOf, publicDigestKey } from '../../src/registry/state-digest.ts'
import { createTestRegistry, type TestRegistry } from '../test-registry.ts'

const digestOf = ({ registry }: TestRegistry) => parseStateToken(registry.token())?.digest ?? assert.fail()
const digestKey = digestKeyOf('one store')

/** Two daemons of one key, whose clocks differ. */
function createTwo(key = digestKey): [TestRegistry, TestRegistry] {
  return [
    createTestRegistry({ epoch: 'a', digestKey: key }),
    createTestRegistry({ epoch: 'b', digestKey: key, now: () => Date.now() - 3_600_000 }),
  ]
}

describe('the digest in a token', () => {
  it('is equal at two registries with the same servers, whatever came between, in whatever order', () => {
    const [one, other] = createTwo()
    one.put({ name: 'x' }, { name: 'y' })
    other.put({ name: 'z' })
    other.put({ name: 'y', description: 'first' })
    other.drop('z')
    other.put({ name: 'x' })
    assert.notEqual(digestOf(one), digestOf(other))
    other.put({ name: 'y' })

    assert.equal(digestOf(one), digestOf(other))
    assert.notEqual(one.registry.token(), other.registry.token())
  })

  it('returns to that of an empty registry with the last server', () => {
    const { registry, put, drop } = createTestRegistry()
    const empty = parseStateToken(registry.token())?.digest
    put({ name: 'x' }, { name: 'y' })
    assert.notEqual(parseStateToken(registry.token())?.digest, empty)
    drop('x', 'y')

    assert.equal(parseStateToken(registry.token())?.digest, empty)
  })

  for (const [field, fields] of [
    ['definition', { description: 'another' }],
    ['status', { status: 'degraded' }],
    ['tag', { tags: ['x'] }],
    ['secret', { headers: { authorization: 'Bearer another' } }],
  ] as const) {
    it(`changes with the ${field} of a server`, () => {
      const [one, other] = createTwo()
      one.put({ name: 'x', headers: { authorization: 'Bearer one' } })
      other.put({ name: 'x', headers: { authorization: 'Bearer one' }, ...fields })

      assert.notEqual(digestOf(one), digestOf(other))
    })
  }

  it('differs between registries of different keys', () => {
    const [one, other] = [createTestRegistry({ digestKey }), createTestRegistry({ digestKey: digestKeyOf('another') })]
    one.put({ name: 'x' })
    other.put({ name: 'x' })

    assert.notEqual(digestOf(one), digestOf(other))
  })

  it('holds no secret where the key is public', () => {
    const [one, other] = createTwo(publicDigestKey)
    one.put({ name: 'x', url: 'http://u:first@weather.example/mcp', headers: { authorization: 'Bearer one' } })
    other.put({ name: 'x', url: 'http://u:second@weather.example/mcp', headers: { authorization: 'Bearer other' } })

    assert.equal(digestOf(one), digestOf(other))
  })

  it('is that of the new key for the servers which are there, and a revision without changes', () => {
    const [{ registry, put }, other] = [createTestRegistry(), createTestRegistry({ digestKey })]
    put({ name: 'x' })
    other.put({ name: 'x' })
    const changes: number[] = []
    registry.subscribe((batch) => changes.push(batch.changes.length))
    registry.setDigestKey(digestKey)
    put({ name: 'y' })
    other.put({ name: 'y' })

    assert.equal(parseStateToken(registry.token())?.digest, digestOf(other))
    assert.deepEqual(changes, [0, 1])
  })
})

describe('a token of another daemon', () => {
  it('resumes where this one was in the same state', () => {
    const [one, other] = createTwo()
    const log = createChangeLog({ registry: other.registry })
    other.put({ name: 'before' })
    for (const { put } of [one, other]) put({ name: 'before' })
    for (const { put } of [one, other]) put({ name: 'x' })
    const token = one.registry.token()
    const { revision } = parseStateToken(other.registry.token()) ?? assert.fail()
    assert.equal(log.revisionOf(token), revision)
    other.put({ name: 'y' })

    assert.equal(log.revisionOf(token), revision)
    assert.deepEqual(
      log.after(revision)?.changes.map(({ now }) => now?.server.name),
      ['y'],
    )
    assert.equal(log.tokenOf(revision + 1), other.registry.token())
  })

  it('resumes at the newest of the revisions with one state', () => {
    const [one, other] = createTwo()
    const log = createChangeLog({ registry: other.registry })
    one.put({ name: 'x' })
    for (const status of ['healthy', 'degraded', 'healthy', 'unhealthy'] as const) other.put({ name: 'x', status })

    const resumed = log.revisionOf(one.registry.token())
    assert.deepEqual(typeof resumed === 'number' && log.after(resumed)?.changes.map(({ now }) => now?.server.status), [
      'unhealthy',
    ])
  })

  it('is refused for a state that this one has not been in, or whose changes since are gone', () => {
    const [one, other] = createTwo()
    const log = createChangeLog({ registry: other.registry, maxChanges: 5 })
    for (const { put } of [one, other]) put({ name: 'x' })
    const known = one.registry.token()
    one.put({ name: 'only here' })
    assert.deepEqual(log.revisionOf(one.registry.token()), {
      reason: 'epoch: the token is from another run of the registry, in a state that this one has not been in',
    })
    assert.equal(typeof log.revisionOf(known), 'number')
    for (let version = 0; version < 50; version += 1) other.put({ name: 'y', version: String(version) })

    assert.equal(typeof log.revisionOf(known), 'object')
    for (let at = log.oldest(); at <= log.newest(); at += 1) {
      const foreign = log.tokenOf(at).replace(/^b-/, 'c-')
      assert.equal(log.revisionOf(foreign), at)
    }
  })
})
