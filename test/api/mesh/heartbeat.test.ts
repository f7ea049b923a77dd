import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import type { Store } from '../../../src/stores/store.ts'
import { until } from '../../e2e/daemon-process.ts'
import { type Answer, meshed } from './test-mesh-api.ts'

describe('heartbeats', () => {
  it('keep an agent healthy; without them it becomes unhealthy, offline and forgotten', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')
    const health = async () => (await mesh.get('/health/a')).body
    const status = async () => [(await health())['status'], (await mesh.ids('?status=healthy')).length] as unknown

    mesh.pass(59.5)
    assert.deepEqual(await status(), ['healthy', 1])
    mesh.pass(0.5)
    assert.deepEqual(await status(), ['unhealthy', 0])
    assert.equal((await health())['is_expired'], false)
    mesh.pass(60)
    assert.deepEqual(await mesh.ids('?status=expired'), ['a'])
    assert.deepEqual([(await health())['status'], (await health())['is_expired']], ['offline', true])
    await mesh.post('/heartbeat', { agent_id: 'a' })
    assert.deepEqual(await status(), ['healthy', 1])
    mesh.pass(3600)
    await until(async () => (await mesh.get('/agents/a')).status === 404)
  })

  it('include a re-registration once the agent has sent one, also by the tool', async () => {
    const recorded: string[] = []
    const store = openMemory({ log: silent })
    const beat: Store['recordHeartbeats'] = (heartbeats) =>
      recorded.push(...heartbeats.map(({ name, self_report }) => `${name} ${self_report ?? 'healthy'}`))
    await using mesh = await meshed({ store: { ...store, recordHeartbeats: beat } })
    const register = () => mesh.post('/mcp/tools/register_agent', { registration_data: { id: 'a' } })
    await register()
    assert.deepEqual(await mesh.ids('?status=pending'), ['a'])
    await mesh.post('/heartbeat', { agent_id: 'a' })
    mesh.pass(60)
    assert.deepEqual(await mesh.ids('?status=unhealthy'), ['a'])

    await register()

    assert.deepEqual(await mesh.ids('?status=healthy'), ['a'])
    assert.deepEqual(recorded, ['a healthy', 'a lapsed', 'a healthy'], 'other replicas must receive the heartbeat')
  })

  it('are answered in the form of the original registries', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')

    for (const path of ['/heartbeat', '/agents/heartbeat', '/api/v1/heartbeat', '/heartbeat?x=1']) {
      const { status, body } = await mesh.post(path, { agent_id: 'a', status: 'healthy', metadata: { load: '0.65' } })
      assert.deepEqual(
        [status, body['status'], body['message'], body['agent_id']],
        [200, 'success', 'Heartbeat recorded', 'a'],
      )
      assert.ok(Date.parse(body['timestamp'] as string) > 0)
    }
  })

  it('of an unknown agent get 404 or 410, and register no agent', async () => {
    await using mesh = await meshed()

    const beat = await mesh.post('/heartbeat', { agent_id: 'my-agent-001', status: 'healthy', metadata: { load: 1 } })
    const tool = await mesh.post('/mcp/tools/heartbeat', { agent_id: 'my-agent-001' })
    const head = await mesh.send('HEAD', '/heartbeat/my-agent-001')

    assert.deepEqual([beat.status, beat.body['detail']], [404, 'Agent my-agent-001 not found'])
    assert.match(beat.headers.get('content-type') ?? '', /^application\/problem\+json/)
    assert.deepEqual(
      [tool.status, tool.body['status'], tool.body['message']],
      [404, 'error', 'Agent my-agent-001 not found'],
    )
    assert.equal(head.status, 410)
    assert.deepEqual(await mesh.ids(''), [])
  })

  it('with a whole registration register the agent', async () => {
    await using mesh = await meshed()
    const whole = { agent_id: 'a', agent_type: 'worker', capabilities: [{ name: 'echo' }], status: 'degraded' }

    const first = await mesh.post('/heartbeat', whole)
    const second = await mesh.post('/heartbeat', whole)

    assert.deepEqual([first.status, first.body['message']], [200, 'Heartbeat recorded'])
    assert.equal(second.body['resource_version'], first.body['resource_version'])
    const [agent] = (await mesh.get('/agents?capability=echo')).body['agents'] as Answer[]
    assert.deepEqual([agent?.['id'], agent?.['status']], ['a', 'degraded'])
  })

  it('with null fields do not count as a registration', async () => {
    await using mesh = await meshed()
    await mesh.agent('a', { agent_type: 'worker', capabilities: ['echo'] })
    const before = (await mesh.get('/agents/a')).body['resource_version'] as unknown

    const nulls = { agent_type: null, capabilities: null, status: null, metadata: null, timestamp: null }
    const { status, body } = await mesh.post('/heartbeat', { agent_id: 'a', ...nulls })

    assert.deepEqual([status, body['resource_version']], [200, before])
    assert.equal((await mesh.get('/agents/a')).body['agent_type'], 'worker')
  })

  it('keep the self-reported status until the next one', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')
    const after = async (beat: object) => {
      await mesh.post('/heartbeat', { agent_id: 'a', ...beat })
      return (await mesh.get('/agents/a')).body['status'] as string
    }

    assert.equal(await after({ status: 'degraded' }), 'degraded')
    await mesh.send('HEAD', '/heartbeat/a')
    assert.equal((await mesh.get('/agents/a')).body['status'], 'degraded')
    assert.equal(await after({ status: 'healthy' }), 'healthy')
    assert.equal(await after({ status: 'busy' }), 'healthy')
  })

  it('are kept as said, and a lease whose agent calls itself unhealthy or offline runs on', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')
    const shown = async () => {
      const { body } = await mesh.get('/health/a')
      const { reason } = (await mesh.get('/servers/default/a')).body['health'] as Answer
      return [body['status'], body['is_expired'], reason] as unknown
    }
    for (const status of ['unhealthy', 'offline']) {
      await mesh.post('/heartbeat', { agent_id: 'a', status })
      assert.deepEqual(await shown(), [status, false, undefined])
      for (let beats = 0; beats < 3; beats += 1) {
        mesh.pass(59)
        assert.equal((await mesh.send('HEAD', '/heartbeat/a')).status, 200)
      }
      assert.deepEqual(await shown(), [status, false, undefined], 'a HEAD keeps the status')
    }

    mesh.pass(60)
    assert.deepEqual(await shown(), ['offline', true, 'lease_lapsed'])
    mesh.pass(3539)
    assert.equal((await mesh.get('/agents/a')).status, 200, 'retention counts from the last heartbeat')
    mesh.pass(1)
    await until(async () => (await mesh.get('/agents/a')).status === 404)
  })

  it('without a body revive no lapsed lease: 410 until a POST', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')
    const head = async () => (await mesh.send('HEAD', '/heartbeat/a')).status
    const status = async () => (await mesh.get('/agents/a')).body['status'] as string

    for (const [seconds, lapsed] of [
      [60, 'unhealthy'],
      [60, 'offline'],
    ] as const) {
      mesh.pass(seconds)
      assert.deepEqual([await head(), await status()], [410, lapsed])
    }
    await mesh.post('/heartbeat', { agent_id: 'a' })
    assert.deepEqual([await head(), await status()], [200, 'healthy'])
  })

  it('make no revision, and show their time and payload at the agent and the server', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')
    const token = mesh.registry.token()
    const tag = async () => (await mesh.get('/servers/default/a')).headers.get('etag')
    const before = await tag()

    await mesh.post('/heartbeat', {
      agent_id: 'a',
      metadata: { load: '0.65', api_key: 'geheim123' },
      timestamp: '2970-01-01',
    })

    const sent = { metadata: { load: '0.65', api_key: '<redacted>' }, timestamp: '2970-01-01' }
    const [agent, server] = [(await mesh.get('/agents/a')).body, (await mesh.get('/servers/default/a')).body]
    assert.deepEqual([agent['sent'], server['health'].sent], [sent, sent])
    assert.ok(Date.parse(agent['last_heartbeat'] as string) > 0)
    assert.equal(server['health'].last_heartbeat, agent['last_heartbeat'])
    assert.equal(mesh.registry.token(), token)
    assert.notEqual(await tag(), before)
    const list = JSON.stringify((await mesh.get('/servers')).body)
    assert.doesNotMatch(list, /last_heartbeat|"0\.65"/)
    assert.match(JSON.stringify((await mesh.get('/servers?view=full')).body), /last_heartbeat/)
  })

  it('with metadata are not stored; the next registration with that config is', async () => {
    await using mesh = await meshed()
    const fields = { agent_type: 'worker', config: { level: 2 } }
    const version = async (answer: Promise<{ body: Record<string, unknown> }>) =>
      (await answer).body['resource_version']

    const first = await version(mesh.agent('a', { ...fields, config: { level: 1 } }))
    const renewed = await version(mesh.post('/heartbeat', { agent_id: 'a', ...fields, metadata: { load: 1 } }))
    const stored = await version(mesh.agent('a', fields))
    const again = await version(mesh.agent('a', fields))

    assert.deepEqual([renewed === first, stored === first, again === stored], [true, false, true])
  })

  it('without a body are accepted with a slash or a query after the id', async () => {
    await using mesh = await meshed()
    await mesh.agent('a/b')

    for (const more of ['', '/', '?seq=1', '/?seq=1'])
      assert.equal((await mesh.send('HEAD', `/heartbeat/a%2Fb${more}`)).status, 200, more)
    assert.equal((await mesh.send('HEAD', '/api/v1/heartbeat/b?seq=1')).status, 410)
  })

  it('without a body get 202 when the dependencies have changed, until a POST heartbeat', async () => {
    await using mesh = await meshed()
    const head = async () => (await mesh.send('HEAD', '/heartbeat/app')).status
    await mesh.agent('app', { dependencies: ['auth'] })

    assert.equal(await head(), 200)
    await mesh.agent('auth-1', { capabilities: ['auth'] })
    assert.deepEqual([await head(), await head()], [202, 202])
    await mesh.post('/heartbeat', { agent_id: 'app' })
    assert.equal(await head(), 200)
    mesh.pass(59)
    await head()
    mesh.pass(30)
    assert.equal((await mesh.get('/agents/app')).body['status'], 'healthy')
    assert.equal((await mesh.get('/agents/auth-1')).body['status'], 'unhealthy')
    assert.equal(await head(), 202)
  })

  it('that could not arrive during a stop of the process are not counted as missing', async () => {
    await using mesh = await meshed()
    await mesh.agent('alive')
    await mesh.agent('dead')
    mesh.pass(50)
    mesh.freeze(600)

    mesh.pass(30)
    await mesh.post('/heartbeat', { agent_id: 'alive' })
    assert.deepEqual(await mesh.ids('?status=healthy'), ['alive', 'dead'])
    mesh.pass(31)

    assert.deepEqual(await mesh.ids('?status=healthy'), ['alive'])
    assert.deepEqual(await mesh.ids('?status=unhealthy'), ['dead'])
  })

  it('that most agents stop at once start self-preservation, shown at /sources until its release', async () => {
    await using mesh = await meshed()
    for (let n = 0; n < 20; n += 1) await mesh.agent(`a${n}`)
    mesh.pass(61)
    const preservation = async () => {
      const { body } = await mesh.get('/sources/agents')
      return body['self_preservation'] as Answer | undefined
    }

    assert.equal((await mesh.ids('?status=healthy')).length, 20)
    const { held, of, remedy } = (await preservation()) ?? {}
    assert.deepEqual([held, of], [20, 20])
    assert.match(remedy as string, /POST \/sources\/agents\/release/)

    const released = await mesh.post('/sources/agents/release', '')

    assert.equal(released.body['released'], true)
    assert.equal(await preservation(), undefined)
    assert.equal((await mesh.ids('?status=unhealthy')).length, 20)
  })
})
