import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import type { Store } from '../../../src/stores/store.ts'
import { until } from '../../e2e/daemon-process.ts'
import { meshed } from './test-mesh-api.ts'

describe('heartbeats with another endpoint', () => {
  it('change the endpoint of the agent', async () => {
    await using mesh = await meshed()
    await mesh.agent('a', { endpoint: 'http://one.example:8080' })
    const beat = (endpoint: string) => mesh.post('/heartbeat', { agent_id: 'a', metadata: { endpoint } })

    const same = await beat('http://one.example:8080')
    const moved = await beat('http://two.example:8080')
    const wrong = await beat('http://')

    assert.notEqual(moved.body['resource_version'], same.body['resource_version'])
    assert.equal((await mesh.get('/servers/default/a')).body['url'], 'http://two.example:8080')
    assert.deepEqual([wrong.status, wrong.body['field']], [400, 'endpoint'])
  })

  it('have the effect of a registration with that endpoint, for every kind of address', async () => {
    await using mesh = await meshed()
    const there = { http: 'http://one.example:8080', stdio: 'stdio://one' }
    await mesh.agent('a', { endpoint: there.http })

    for (const endpoint of [there.stdio, there.http]) {
      const moved = await mesh.post('/heartbeat', { agent_id: 'a', metadata: { endpoint } })
      const again = await mesh.agent('a', { endpoint })
      assert.equal(again.body['resource_version'], moved.body['resource_version'], endpoint)
    }
  })

  it('keep the other fields of a registration in flight', async () => {
    const { store, commits } = waiting()
    await using mesh = await meshed({ store })
    await mesh.agent('a', { endpoint: 'http://one.example', description: 'before' })

    const registered = mesh.agent('a', { endpoint: 'http://one.example', description: 'after' })
    await until(() => commits() === 2)
    const moved = mesh.post('/heartbeat', { agent_id: 'a', metadata: { endpoint: 'http://two.example' } })
    const answers = await Promise.all([registered, moved])

    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    const { description, endpoint } = (await mesh.get('/agents/a')).body
    assert.deepEqual([description, endpoint], ['after', 'http://two.example'])
  })

  it('get 404 when the agent is deleted meanwhile', async () => {
    const { store, commits } = waiting()
    await using mesh = await meshed({ store })
    await mesh.agent('a', { endpoint: 'http://one.example' })

    const deleted = mesh.send('DELETE', '/agents/a')
    await until(() => commits() === 2)
    const moved = mesh.post('/heartbeat', { agent_id: 'a', metadata: { endpoint: 'http://two.example' } })

    assert.deepEqual([(await deleted).status, (await moved).status], [204, 404])
    assert.deepEqual(await mesh.ids(''), [])
  })
})

/** A store whose second write waits for the third. */
function waiting(): { store: Store; commits: () => number } {
  const memory = openMemory({ log: silent })
  const both = Promise.withResolvers<void>()
  let commits = 0
  const store: Store = {
    ...memory,
    commit: async (operations) => {
      commits += 1
      if (commits === 3) both.resolve()
      if (commits > 1) await both.promise
      return memory.commit(operations)
    },
  }
  return { store, commits: () => commits }
}
