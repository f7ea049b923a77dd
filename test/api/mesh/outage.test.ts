import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import { type Store, StoreUnavailable } from '../../../src/stores/store.ts'
import { until } from '../../e2e/daemon-process.ts'
import { meshed } from './test-mesh-api.ts'

function failing() {
  const memory = openMemory({ log: silent })
  const state = { down: false }
  const store: Store = {
    ...memory,
    commit: (operations) =>
      state.down
        ? Promise.reject(new StoreUnavailable('db.internal: refused', { retry_after: 2 }))
        : memory.commit(operations),
  }
  return { store, state }
}

describe('the mesh during an outage of the store', () => {
  it('rejects registrations with Retry-After, and continues reads and heartbeats', async () => {
    const { store, state } = failing()
    await using mesh = await meshed({ store })
    await mesh.agent('a')
    const whole = { agent_type: 'mcp_agent', version: '1.0.0' }
    await mesh.post('/heartbeat', { ...whole, agent_id: 'whole' })
    state.down = true

    const refused = await mesh.agent('b')
    const tool = await mesh.post('/mcp/tools/register_agent', { registration_data: { id: 'b' } })
    const deleted = await mesh.send('DELETE', '/agents/a')
    const missing = await mesh.send('DELETE', '/agents/missing')
    const repeated = await mesh.agent('a')

    for (const { status, headers, body } of [refused, tool, deleted, missing, repeated]) {
      assert.deepEqual([status, headers.get('retry-after')], [503, '2'])
      assert.doesNotMatch(JSON.stringify(body), /db\.internal/)
    }
    assert.equal((await mesh.post('/heartbeat', { agent_id: 'a', status: 'degraded' })).status, 200)
    assert.equal((await mesh.post('/heartbeat', { ...whole, agent_id: 'whole' })).status, 200)
    assert.equal((await mesh.post('/heartbeat', { ...whole, agent_id: 'whole', version: '2.0.0' })).status, 503)
    const moving = (endpoint: string) => mesh.post('/heartbeat', { agent_id: 'a', metadata: { endpoint } })
    assert.deepEqual([(await moving('stdio://a')).status, (await moving('http://a.example')).status], [200, 503])
    assert.deepEqual(await mesh.ids(''), ['a', 'whole'])
    state.down = false
    assert.equal((await mesh.agent('b')).status, 200)
    assert.deepEqual(await mesh.ids(''), ['a', 'b', 'whole'])
  })

  it('answers 503 instead of 404 until the store is loaded', async () => {
    const opening = Promise.withResolvers<Store>()
    const store = openMemory({ log: silent })
    await using mesh = await meshed({ store, opening: opening.promise })

    const asked = [
      await mesh.get('/agents'),
      await mesh.get('/agents/a'),
      await mesh.get('/capabilities'),
      await mesh.agent('a'),
      await mesh.post('/heartbeat', { agent_id: 'a' }),
      await mesh.send('HEAD', '/heartbeat/a'),
    ]
    opening.resolve(store)

    for (const { status, headers } of asked) assert.deepEqual([status, headers.get('retry-after')], [503, '1'])
    await until(async () => (await mesh.get('/agents')).status === 200)
    assert.equal((await mesh.post('/heartbeat', { agent_id: 'a' })).status, 404)
  })
})
