import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { TokenGrant } from '../../../src/api/config/auth.ts'
import { silent } from '../../../src/log.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import type { Store } from '../../../src/stores/store.ts'
import { meshed } from './test-mesh-api.ts'

const tokens: TokenGrant[] = [
  { name: 'one', token: 'token-one', role: 'registrar', secrets: false },
  { name: 'two', token: 'token-two', role: 'registrar', secrets: false },
  { name: 'team-a', token: 'token-team-a', role: 'registrar', namespaces: ['team-a'], secrets: false },
  { name: 'root', token: 'token-root', role: 'admin', secrets: false },
]
const as = (name: string) => ({ authorization: `Bearer token-${name}` })

describe('registration rights', () => {
  it('need the role registrar for writes, and no token for reads', async () => {
    await using mesh = await meshed({ tokens })
    await mesh.post('/agents', { id: 'a' }, as('one'))

    for (const [method, path, body] of [
      ['POST', '/agents', { id: 'a' }],
      ['POST', '/agents/register_with_metadata', { agent_id: 'a', metadata: {} }],
      ['POST', '/heartbeat', { agent_id: 'a' }],
      ['POST', '/heartbeat?by=router', { agent_id: 'a' }],
      ['HEAD', '/heartbeat/a', undefined],
      ['DELETE', '/agents/a', undefined],
      ['POST', '/mcp/tools/register_agent', { registration_data: { id: 'a' } }],
      ['POST', '/mcp/tools/unregister_agent', { agent_id: 'a' }],
      ['POST', '/mcp/tools/heartbeat', { agent_id: 'a' }],
    ] as const) {
      const { status, body: said } = await mesh.send(method, path, body)
      assert.equal(status, 403, path)
      if (method === 'POST') assert.equal(said['role_needed'], 'registrar')
    }
    for (const path of ['/agents', '/agents/a', '/health/a', '/capabilities'])
      assert.equal((await mesh.get(path)).status, 200)
    assert.equal((await mesh.post('/mcp/tools/discover_services', { query: {} })).status, 200)
  })

  it('exclude pages of another origin, even from a heartbeat without a body', async () => {
    await using mesh = await meshed()
    await mesh.post('/agents', { id: 'a' })
    const foreign = { origin: 'https://evil.example' }

    const heads = ['/heartbeat/a', '/api/v1/heartbeat/a'].map((path) => mesh.send('HEAD', path, undefined, foreign))
    const posted = await mesh.post('/heartbeat', { agent_id: 'a' }, foreign)

    assert.deepEqual(
      [...(await Promise.all(heads)), posted].map(({ status }) => status),
      [403, 403, 403],
    )
    assert.equal((await mesh.send('HEAD', '/heartbeat/a')).status, 200)
    assert.equal((await mesh.send('HEAD', '/agents/a', undefined, foreign)).status, 200)
  })

  it('cover the own agents of a token; an admin changes all without owning them', async () => {
    await using mesh = await meshed({ tokens })
    const write = (name: string, body: object = { id: 'a' }) => mesh.post('/agents', body, as(name))
    await write('one')

    assert.equal((await write('two')).status, 403)
    assert.equal((await mesh.post('/heartbeat', { agent_id: 'a' }, as('two'))).status, 403)
    assert.equal((await mesh.send('DELETE', '/agents/a', undefined, as('two'))).status, 403)
    assert.equal((await mesh.send('DELETE', '/agents/a?dry_run=true', undefined, as('two'))).status, 403)
    assert.equal((await write('root', { id: 'a', labels: { by: 'root' } })).status, 200)
    assert.equal((await write('one', { id: 'a', labels: { by: 'one' } })).status, 200)
    assert.equal((await write('two')).status, 403)
    assert.equal((await mesh.send('DELETE', '/agents/a', undefined, as('root'))).status, 204)
  })

  it('go to one of two tokens that register the same new id at once', async () => {
    const store = openMemory({ log: silent })
    const both = Promise.withResolvers<void>()
    let asked = 0
    const commit: Store['commit'] = async (operations) => {
      if ((asked += 1) === 2) both.resolve()
      await both.promise
      return store.commit(operations)
    }
    await using mesh = await meshed({ tokens, store: { ...store, commit } })

    const answers = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const { status } = await mesh.post('/agents', { id: 'a', labels: { by: name } }, as(name))
        return { name, status }
      }),
    )

    const [first, ...others] = answers.filter(({ status }) => status === 200)
    assert.deepEqual(others, [])
    assert.ok(answers.some(({ status }) => status === 403))
    assert.deepEqual((await mesh.get('/agents/a')).body['labels'], { by: first?.name })
    assert.equal((await mesh.post('/heartbeat', { agent_id: 'a' }, as(first?.name ?? ''))).status, 200)
  })

  it('belong to the holder on a replica that does not know the agent yet, whatever If-Match says', async () => {
    const store = openMemory({ log: silent })
    const deaf: Store = {
      ...store,
      async *changes({ signal }) {
        await once(signal, 'abort')
        yield []
      },
    }
    await using here = await meshed({ tokens, store })
    await using there = await meshed({ tokens, store: deaf })
    const { body } = await here.post('/agents', { id: 'a' }, as('one'))
    const stale = { ...as('one'), 'if-match': '"0-none"' }
    const newest = { 'if-match': `"${body['resource_version'] as string}"` }

    const answers = [
      await there.post('/agents', { id: 'a', labels: { by: 'two' } }, { ...as('two'), ...newest }),
      await there.post('/agents', { id: 'a', labels: { by: 'one' } }, stale),
      await there.post('/agents', { id: 'a', labels: { by: 'one' } }, { ...as('one'), ...newest }),
      await there.post('/agents', { id: 'missing' }, stale),
    ]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [403, 409, 200, 409],
    )
  })

  it('cover the namespaces of the token, for the present and the next namespace of an agent', async () => {
    await using mesh = await meshed({ tokens })
    const write = (name: string, namespace: string) => mesh.post('/agents', { id: 'a', namespace }, as(name))

    assert.equal((await write('team-a', 'team-b')).status, 403)
    assert.equal((await write('team-a', 'team-a')).status, 200)
    assert.equal((await write('team-a', 'team-b')).status, 403)
    await mesh.send('DELETE', '/agents/a', undefined, as('team-a'))
    await write('one', 'team-b')
    assert.equal((await write('team-a', 'team-a')).status, 403)
    assert.equal((await mesh.post('/heartbeat', { agent_id: 'a' }, as('team-a'))).status, 403)
  })

  it('include anonymous clients if configured; the first token may take over their agents', async () => {
    await using mesh = await meshed({ tokens, anonymous: 'registrar' })
    await mesh.agent('a')

    assert.equal((await mesh.agent('a', { labels: { still: 'mine' } })).status, 200)
    assert.equal((await mesh.post('/agents', { id: 'a' }, as('one'))).status, 200)
    assert.equal((await mesh.agent('a')).status, 403)
    assert.equal((await mesh.post('/agents', { id: 'a' }, as('two'))).status, 403)
  })

  it('are limited to the number of agents of the token, takeovers included', async () => {
    const few: TokenGrant = { name: 'few', token: 'token-few', role: 'registrar', max_agents: 1, secrets: false }
    await using mesh = await meshed({ tokens: [few], anonymous: 'registrar' })
    for (const id of ['a', 'b']) await mesh.agent(id)
    const take = async (id: string) => (await mesh.post('/agents', { id }, as('few'))).status

    assert.deepEqual([await take('a'), await take('a'), await take('b'), await take('c')], [200, 200, 429, 429])
    assert.equal((await mesh.agent('b')).status, 200)
  })

  it('leave an audit line for every write: principal, agent, event and versions', async () => {
    await using mesh = await meshed({ tokens })

    const first = await mesh.post('/agents', { id: 'a' }, as('one'))
    const second = await mesh.post('/agents', { id: 'a', labels: { b: 'c' } }, as('root'))
    await mesh.post('/heartbeat', { agent_id: 'a', metadata: { endpoint: 'http://a.example' } }, as('one'))
    await mesh.send('DELETE', '/agents/a', undefined, as('root'))

    const [a, b] = [first.body['resource_version'], second.body['resource_version']] as string[]
    assert.deepEqual(
      mesh.audited.map(({ principal, agent, before, message }) => [principal, agent, before, message]),
      [
        ['one', 'a', undefined, 'agent registered'],
        ['root', 'a', a, 'agent changed'],
        ['one', 'a', b, 'agent changed'],
        ['root', 'a', mesh.audited[2]?.['after'], 'agent unregistered'],
      ],
    )
    assert.equal(mesh.audited[1]?.['after'], b)
  })
})
