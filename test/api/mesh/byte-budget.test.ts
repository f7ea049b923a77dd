import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'

const agent = (id: string, characters = 0) => ({
  id,
  name: id,
  endpoint: `http://10.0.0.1:9/${id}`,
  annotations: { note: 'x'.repeat(characters) },
})
const token = 't'.repeat(32)

describe('the memory of registered agents', () => {
  it('is bounded for each agent, which the error names with the setting', async () => {
    await using daemon = await startHere('health: { agents: { max_agent_bytes: 60000 } }\n')

    const refused = await daemon.ask<{ code: string; error: string }>('POST', '/agents', agent('large', 40_000))

    assert.deepEqual([refused.status, refused.body.code], [429, 'agent_limit_reached'])
    assert.match(
      refused.body.error,
      /Agent large takes 8\d kB of memory, more than health\.agents\.max_agent_bytes \(60 kB\)/,
    )
    assert.equal((await daemon.ask('POST', '/agents', agent('large', 20_000))).status, 200)
  })

  it('is bounded for all agents together beyond 16 KiB each, and small ones still register', async () => {
    await using daemon = await startHere('health: { agents: { max_bytes: 100000 } }\n')
    const register = async (id: string, characters: number) =>
      (await daemon.ask('POST', '/agents', agent(id, characters))).status

    assert.deepEqual([await register('a', 30_000), await register('b', 30_000)], [200, 200])
    assert.equal(await register('c', 30_000), 429)
    assert.deepEqual([await register('c', 100), await register('a', 30_000)], [200, 200], 'small, unchanged')
    assert.deepEqual([await register('a', 60_000), await register('a', 29_000)], [429, 200], 'larger, smaller')
    assert.equal((await daemon.ask('DELETE', '/agents/b')).status, 204)
    assert.equal(await register('c', 30_000), 200)
  })

  it('is bounded for registrations that come at once', async () => {
    await using daemon = await startHere('health: { agents: { max_bytes: 100000 } }\n')

    const outcomes = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(async (id) => (await daemon.ask('POST', '/agents', agent(id, 30_000))).status),
    )

    assert.deepEqual(
      outcomes.toSorted((one, other) => one - other),
      [200, 200, 429, 429, 429],
    )
  })

  it('is bounded for each token that has a limit', async () => {
    await using daemon = await startHere(
      `auth: { anonymous: registrar, tokens: [{ name: team, token: ${token}, role: registrar, max_agent_bytes: 100000 }] }\n`,
    )
    const register = async (id: string, headers: Record<string, string> = {}) =>
      (await daemon.ask('POST', '/agents', agent(id, 30_000), headers)).status
    const team = { authorization: `Bearer ${token}` }

    assert.deepEqual([await register('a', team), await register('b', team), await register('c', team)], [200, 200, 429])
    assert.equal(await register('d'), 200, 'without a token')
  })

  it('counts what heartbeats bring, which is kept while there is room', async () => {
    await using daemon = await startHere('health: { agents: { max_bytes: 100000 } }\n')
    await daemon.ask('POST', '/agents', agent('a'))
    const beat = async (parts: number) => {
      const body = { agent_id: 'a', status: 'healthy', metadata: { parts: Array.from({ length: parts }, () => []) } }
      assert.equal((await daemon.ask('POST', '/heartbeat', body)).status, 200)
      return (await daemon.ask('GET', '/agents/a')).text.includes('[],[]')
    }

    assert.deepEqual([await beat(1000), await beat(2000), await beat(1000)], [true, false, true])
    assert.equal((await daemon.ask('POST', '/agents', agent('b', 30_000))).status, 200)
    assert.equal((await daemon.ask('POST', '/agents', agent('c', 30_000))).status, 429)
  })
})
