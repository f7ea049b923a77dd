import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'
import { ask, follow } from '../watch/watch-server.ts'

type Thing = Readonly<Record<string, unknown>>
type Event = { readonly type: string; readonly token?: string; readonly agent?: Thing; readonly capability?: Thing }

const config = 'sources: [{ type: agents }]\nstore: { type: memory }\n'

/** A daemon that accepts agents, with clients that watch it. */
async function startMesh() {
  const daemon = await startHere(config)
  const port = Number(new URL(daemon.url).port)
  return {
    ...daemon,
    follow: (path: string) => follow(port, path),
    poll: async (path: string) => (await ask(port, path)).json() as { events: Event[]; resource_version: string },
    status: async (path: string) => (await ask(port, path)).status,
    register: async (id: string, fields: object = {}) => {
      const { status, body } = await daemon.ask('POST', '/agents', { id, ...fields })
      assert.equal(status, 200, JSON.stringify(body))
    },
    token: async () => (await daemon.ask<{ resource_version: string }>('GET', '/agents')).body.resource_version,
  }
}

/** `ADDED a`, `DELETED a/maps` and the like. */
const shortly = (events: readonly unknown[]) =>
  (events as Event[]).map(({ type, agent, capability }) => {
    if (capability) return `${type} ${String(capability['agent_id'])}/${String(capability['name'])}`
    return agent ? `${type} ${String(agent['id'])}` : type
  })

for (const [spelling, path] of [
  ['server-sent events', '/agents/watch?'],
  ['newline JSON', '/api/v1/agents?watch=true&'],
] as const) {
  it(`a watch of agents sends the current agents, then each change, as ${spelling}`, async () => {
    await using daemon = await startMesh()
    await daemon.register('a', { labels: { env: 'prod' } })
    await daemon.register('b', { labels: { env: 'test' } })
    const all = await daemon.follow(path)
    const some = await daemon.follow(`${path}label_selector=env%3Dprod`)

    const opening = await all.upTo('BOOKMARK')
    assert.deepEqual(shortly(opening), ['ADDED a', 'ADDED b', 'BOOKMARK'])
    assert.equal(opening[2]?.token, await daemon.token())
    assert.deepEqual(shortly(await some.upTo('BOOKMARK')), ['ADDED a', 'BOOKMARK'])

    await daemon.register('c', { labels: { env: 'prod' } })
    await daemon.register('a', { labels: { env: 'test' } })
    await daemon.ask('DELETE', '/agents/b')

    assert.deepEqual(shortly(await all.next(3)), ['ADDED c', 'MODIFIED a', 'DELETED b'])
    assert.deepEqual(shortly(await some.next(2)), ['ADDED c', 'DELETED a'])
  })
}

describe('a watch of agents', () => {
  it('shows agents as the list does, without the fields that change without a revision', async () => {
    await using daemon = await startMesh()
    const watcher = await daemon.follow('/agents/watch')
    await watcher.upTo('BOOKMARK')
    await daemon.register('a', { endpoint: 'http://10.0.0.1:80', health_interval: 7, capabilities: ['maps'] })

    const [added] = (await watcher.next()) as unknown as Event[]
    const { body } = await daemon.ask('GET', '/agents/a')
    const unversioned = new Set([
      'last_heartbeat',
      'last_seen',
      'config',
      'total_dependencies',
      'dependencies_resolved',
      'dependency_resolutions',
      'llm_tool_resolutions',
      'llm_provider_resolutions',
    ])
    const rest = Object.fromEntries(Object.entries(body).filter(([field]) => !unversioned.has(field)))
    const capabilities = (body['capabilities'] as Thing[]).map(({ available: _available, ...capability }) => capability)

    assert.ok(body['last_heartbeat'] && capabilities.length > 0)
    assert.deepEqual(added?.agent, { ...rest, capabilities })
  })

  it('sends the last state of a deleted agent', async () => {
    await using daemon = await startMesh()
    await daemon.register('a', { endpoint: 'http://10.0.0.1:80' })
    const watcher = await daemon.follow('/agents/watch')
    await watcher.upTo('BOOKMARK')

    await daemon.ask('DELETE', '/agents/a')
    const [gone] = (await watcher.next()) as unknown as Event[]

    assert.equal(gone?.type, 'DELETED')
    assert.equal(gone.agent?.['endpoint'], 'http://10.0.0.1:80')
  })

  it('sends changes of status, but no heartbeats', async () => {
    await using daemon = await startMesh()
    await daemon.register('a')
    const watcher = await daemon.follow('/agents/watch')
    await watcher.upTo('BOOKMARK')

    for (let beat = 0; beat < 5; beat += 1) await daemon.ask('POST', '/heartbeat', { agent_id: 'a' })
    await daemon.ask('POST', '/heartbeat', { agent_id: 'a', status: 'degraded' })

    const [event] = (await watcher.next()) as unknown as Event[]
    assert.deepEqual([event?.type, event?.agent?.['status']], ['MODIFIED', 'degraded'])
  })

  it('resumes from the token of a list, waits for the next change, and reports a token that cannot be resumed', async () => {
    await using daemon = await startMesh()
    const token = await daemon.token()
    await daemon.register('a')

    const { events, resource_version } = await daemon.poll(`/agents?index=${token}&wait=10s`)
    assert.deepEqual(shortly(events), ['ADDED a'])
    assert.equal(resource_version, await daemon.token())
    const resumed = await daemon.follow(`/agents/watch?resource_version=${token}`)
    assert.deepEqual(shortly(await resumed.next()), ['ADDED a'])
    const waiting = daemon.poll(`/agents?index=${resource_version}&wait=10s`)
    await daemon.register('b')
    assert.deepEqual(shortly((await waiting).events), ['ADDED b'])
    assert.equal(await daemon.status('/agents?index=other-1'), 410)
    const restarted = await daemon.follow('/agents/watch?resource_version=other-1')
    assert.deepEqual(shortly(await restarted.upTo('BOOKMARK')), ['RESYNC', 'ADDED a', 'ADDED b', 'BOOKMARK'])
  })

  it('gets 400 for invalid parameters, and 404 where the registry accepts no agents', async () => {
    await using daemon = await startMesh()
    assert.equal(await daemon.status('/agents/watch?label_selector=a+in+b'), 400)
    assert.equal(await daemon.status('/capabilities/watch?fuzzy_match=perhaps'), 400)
    assert.equal(await daemon.status('/agents/watch?limit=3'), 400)
    assert.equal(await daemon.status('/agents?wait=5s'), 200)

    await using none = await startHere('sources: []\nstore: { type: memory }\n')
    assert.equal((await none.get('/agents/watch')).status, 404)
  })
})

describe('a watch of capabilities', () => {
  it('sends each capability that appears, changes or disappears', async () => {
    await using daemon = await startMesh()
    await daemon.register('a', { capabilities: ['maps', 'routes'] })
    const watcher = await daemon.follow('/capabilities/watch')
    assert.deepEqual(shortly(await watcher.upTo('BOOKMARK')), ['ADDED a/maps', 'ADDED a/routes', 'BOOKMARK'])

    await daemon.register('a', { capabilities: ['maps', { name: 'tiles', version: '2.0.0' }] })
    assert.deepEqual(shortly(await watcher.next(2)), ['DELETED a/routes', 'ADDED a/tiles'])
    await daemon.register('a', {
      capabilities: [
        { name: 'maps', description: 'of the world' },
        { name: 'tiles', version: '2.0.0' },
      ],
    })
    assert.deepEqual(shortly(await watcher.next()), ['MODIFIED a/maps'])
    await daemon.ask('DELETE', '/agents/a')
    assert.deepEqual(shortly(await watcher.next(2)), ['DELETED a/maps', 'DELETED a/tiles'])
  })

  it('sends only matching capabilities, also those that begin to match', async () => {
    await using daemon = await startMesh()
    await daemon.register('a', { capabilities: [{ name: 'maps', version: '1.0.0' }, 'routes'] })
    const lines = await daemon.follow('/capabilities?watch=true&name=map&version_constraint=%5E2')
    assert.deepEqual(shortly(await lines.upTo('BOOKMARK')), ['BOOKMARK'])

    await daemon.register('a', { capabilities: [{ name: 'maps', version: '2.1.0' }, 'routes'] })
    const [event] = (await lines.next()) as unknown as Event[]
    await daemon.ask('POST', '/heartbeat', { agent_id: 'a', status: 'degraded' })

    assert.deepEqual(shortly(await lines.next()), ['DELETED a/maps'], 'only healthy ones are shown unless asked')
    const { capabilities } = (await daemon.ask<{ capabilities: Thing[] }>('GET', '/capabilities?agent_id=a&name=map'))
      .body
    assert.deepEqual({ ...event?.capability, agent_status: 'degraded' }, capabilities[0])
  })
})
