import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMeshResolver } from '../../../src/agents/resolution/mesh-resolver.ts'
import { runToCompletion } from '../../../src/flow/cooperative.ts'
import { silent } from '../../../src/log.ts'
import type { Batch, Change, RegisteredServer } from '../../../src/model/change.ts'
import type { Status } from '../../../src/model/health.ts'
import { registered } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

type Agent = ReturnType<typeof testAgent>

/** A resolver over agents that are set one by one, as a registry announces them. */
function createTestResolver() {
  const agents = new Map<string, Agent>()
  const servers = new Map<string, RegisteredServer>()
  const subscribers = new Set<(batch: Batch) => void>()
  let revision = 0
  const resolver = createMeshResolver({
    registry: {
      list: () => [...servers.values()],
      select: () => ({ total: 0, page: [] }),
      token: () => `test-${revision}`,
      subscribe: (push) => {
        subscribers.add(push)
        return () => subscribers.delete(push)
      },
    },
    agentOf: (id) => agents.get(id),
    onRewired: () => {},
    log: silent,
  })

  function announce(...changes: readonly Change[]): void {
    revision += 1
    for (const push of subscribers) push({ revision, token: `test-${revision}`, changes })
  }

  function set(id: string, tools: readonly object[], status: Status = 'healthy'): Change {
    const agent = testAgent(id, { tools })
    agents.set(id, agent)
    const now = registered({
      ...agent.definition,
      id: `default/${id}`,
      name: id,
      status,
      discovery_method: 'registered',
    })
    const before = servers.get(id)
    servers.set(id, now)
    return before ? { type: 'MODIFIED', now, before } : { type: 'ADDED', now }
  }

  function remove(id: string): Change {
    const before = servers.get(id) ?? assert.fail(`no agent ${id}`)
    servers.delete(id)
    agents.delete(id)
    return { type: 'DELETED', before }
  }

  const agentOf = (id: string) => agents.get(id) ?? assert.fail(`no agent ${id}`)

  return {
    ...resolver,
    announce,
    set,
    remove,
    agentOf,
    providerOf: (id: string) => resolver.resolve(agentOf(id)).dependencies_resolved['f']?.[0]?.agent_id,
  }
}

const requiring = (capability: string, ...required: readonly string[]) => ({
  function_name: capability,
  capability,
  dependencies: required.map((name) => ({ capability: name, required: true })),
})
const consuming = (capability: string) => [{ function_name: 'f', dependencies: [{ capability }] }]

describe('the offers of agents', () => {
  it('a chain of requirements may be as long as there are agents', () => {
    const resolver = createTestResolver()
    const length = 3000
    for (let at = 0; at < length; at += 1) {
      const next = at + 1 < length ? [`c${at + 1}`] : []
      resolver.announce(resolver.set(`p${at}`, [requiring(`c${at}`, ...next)]))
    }
    resolver.announce(resolver.set('consumer', consuming('c0')))
    assert.equal(resolver.providerOf('consumer'), 'p0')

    resolver.announce(resolver.remove(`p${length - 1}`))
    assert.ok(resolver.hasChanged(resolver.agentOf('consumer')))
    assert.equal(resolver.providerOf('consumer'), '')
    resolver.announce(resolver.set(`p${length - 1}`, [requiring(`c${length - 1}`)]))
    assert.ok(resolver.hasChanged(resolver.agentOf('consumer')))
    assert.equal(resolver.providerOf('consumer'), 'p0')
  })

  it('a circle of requirements has no provider, whichever of it is asked for first', () => {
    const names = ['a', 'b', 'c']
    for (const first of names) {
      const resolver = createTestResolver()
      resolver.announce(resolver.set('pa', [requiring('a', 'b')]))
      resolver.announce(resolver.set('pb', [requiring('b', 'c')]))
      resolver.announce(resolver.set('pc', [requiring('c', 'a')]))
      const order = [first, ...names.filter((name) => name !== first)]
      for (const name of order) resolver.announce(resolver.set(`consumer-${name}`, consuming(name)))
      for (const name of order) assert.equal(resolver.providerOf(`consumer-${name}`), '', `${first}: ${name}`)

      // A second provider without requirements breaks the circle for all.
      resolver.announce(resolver.set('free', [requiring('b')]))
      for (const name of order) {
        assert.ok(resolver.hasChanged(resolver.agentOf(`consumer-${name}`)), `${first}: ${name}`)
        assert.equal(
          resolver.providerOf(`consumer-${name}`),
          { a: 'pa', b: 'free', c: 'pc' }[name],
          `${first}: ${name}`,
        )
      }
    }
  })

  it('a consumer whose server fails its probe takes no share, and takes one again with its next heartbeat', () => {
    const resolver = createTestResolver()
    const offering = [{ function_name: 'now', capability: 'clock' }]
    resolver.announce(resolver.set('p1', offering), resolver.set('p2', offering))
    for (const id of ['c1', 'c2']) {
      resolver.announce(resolver.set(id, consuming('clock')))
      resolver.providerOf(id)
    }
    const consumers = () =>
      runToCompletion(resolver.explain(resolver.agentOf('c2'))).functions[0]?.dependencies[0]?.spread?.consumers
    assert.equal(consumers(), 2)
    const { server } = registered({ name: 'c1', status: 'unhealthy', discovery_method: 'registered' })
    const now = registered({ ...server, id: 'default/c1' })
    resolver.announce({ type: 'MODIFIED', now, before: now })
    assert.equal(consumers(), 1)

    resolver.hasChanged(resolver.agentOf('c1'))
    assert.equal(consumers(), 2)
  })

  it('an agent that moves to another namespace stays, in whichever order both changes come', () => {
    for (const isRemovedFirst of [true, false]) {
      const resolver = createTestResolver()
      resolver.announce(resolver.set('p', [requiring('a')]), resolver.set('consumer', consuming('a')))
      const gone: Change = {
        type: 'DELETED',
        before: registered({ name: 'p', id: 'default/p', discovery_method: 'registered' }),
      }
      const now = registered({
        name: 'p',
        namespace: 'prod',
        id: 'prod/p',
        status: 'healthy',
        discovery_method: 'registered',
      })
      const come: Change = { type: 'ADDED', now }

      if (isRemovedFirst) resolver.announce(gone, come)
      else resolver.announce(come, gone)

      assert.equal(resolver.providerOf('consumer'), 'p')
    }
  })

  it('nothing is kept of agents that are gone', () => {
    const resolver = createTestResolver()
    const ids = Array.from({ length: 20 }, (_, at) => `agent-${at}`)
    for (const [at, id] of ids.entries()) {
      const tools = [requiring(`c${at % 5}`, `d${at % 7}`), ...consuming(`c${(at + 1) % 5}`)]
      resolver.announce(resolver.set(id, tools))
      resolver.resolve(resolver.agentOf(id))
      runToCompletion(resolver.explain(resolver.agentOf(id)))
    }
    assert.ok(resolver.counts().specs > 0)
    for (const id of ids) resolver.hasChanged(resolver.agentOf(id))
    for (const id of ids) resolver.announce(resolver.remove(id))

    assert.deepEqual(resolver.counts(), { agents: 0, capabilities: 0, specs: 0, consumers: 0 })
  })
})
