import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TokenGrant } from '../../../src/api/config/auth.ts'
import { StoreUnavailable } from '../../../src/stores/store.ts'
import { createTestJournal, statusOf } from '../../journal/test-journal.ts'
import { parts, serve } from '../served-api.ts'

type Events = {
  events: { id: string; server?: string; event_type: string; agent_id?: string; timestamp: string }[]
  count: number
  last_id: string
  missed?: boolean
}

const tokens = [
  { name: 'bound', token: 'bound-token-1', role: 'reader', namespaces: ['a'], secrets: false },
  { name: 'free', token: 'free-token-1', role: 'reader', secrets: false },
] as unknown as TokenGrant[]

async function served(fields: Parameters<typeof createTestJournal>[0] = {}) {
  const journal = createTestJournal(fields)
  const admitted: string[] = []
  const { watch } = parts()
  const admit = () => void admitted.push('one')
  const api = await serve({ tokens, anonymous: 'none', parts: { journal, watch: { ...watch, admit } } })
  return {
    journal,
    admitted,
    async ask(path: string, token = 'free-token-1') {
      const response = await api.get(path, { headers: { authorization: `Bearer ${token}` } })
      return { status: response.status, body: (await response.json()) as Events & Record<string, unknown> }
    },
    anonymous: async (path: string) => (await api.get(path)).status,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
    },
  }
}

const serversOf = ({ events }: Events) => events.map(({ server }) => server)

describe('GET /events', () => {
  it('answers in the form of the original mesh registry, the newest first', async () => {
    await using api = await served()
    const agent = { agent_id: 'x', agent_name: 'X', function_name: 'f', data: () => ({ dep_index: 0 }) }
    api.journal.record(statusOf('default/x', { ...agent, type: 'registered', event_type: 'register' }))
    api.journal.record(statusOf('default/y'))

    const { status, body } = await api.ask('/events')
    const old = await api.ask('/api/v1/events?type=register&agent_id=x&function_name=f&limit=5')

    assert.equal(status, 200)
    assert.deepEqual([body.count, serversOf(body)], [2, ['default/y', 'default/x']])
    assert.equal(body.last_id, body.events[0]?.id)
    const { event_type, agent_id, agent_name, function_name, timestamp, data } = old.body.events[0] as never
    assert.deepEqual(
      [event_type, agent_id, agent_name, function_name, data],
      ['register', 'x', 'X', 'f', { dep_index: 0 }],
    )
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000)
  })

  it('selects by type in both vocabularies, and by server, source, namespace and time', async () => {
    await using api = await served()
    api.journal.record(statusOf('default/x', { event_type: 'unhealthy' }))
    api.journal.record(statusOf('a/x', { namespace: 'a', type: 'changed', source: 'dns' }))
    const selected = async (query: string) => serversOf((await api.ask(`/events?${query}`)).body)

    assert.deepEqual(await selected('type=status'), ['default/x'])
    assert.deepEqual(await selected('type=unhealthy'), ['default/x'])
    assert.deepEqual(await selected('type=nothing'), [])
    assert.deepEqual(await selected('server=x'), ['default/x'])
    assert.deepEqual(await selected('server=a/x'), ['a/x'])
    assert.deepEqual(await selected('source=dns'), ['a/x'])
    assert.deepEqual(await selected('namespace=a'), ['a/x'])
    assert.deepEqual(await selected('since=1h&type='), ['a/x', 'default/x'])
    assert.deepEqual(await selected('since=2100-01-01T00:00:00Z'), [])
    assert.deepEqual(await selected('limit=1'), ['a/x'])
    assert.deepEqual(await selected('limit=-5'), ['a/x'])
    assert.deepEqual(await selected('limit=99999'), ['a/x', 'default/x'])
  })

  it('rejects a wrong parameter by its name', async () => {
    await using api = await served()
    const wrong: [string, string][] = [
      ['limit=ten', 'limit'],
      ['limit=', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['typo=x', 'typo'],
      ['since=yesterday', 'since'],
      ['after=x', 'after'],
      ['after=99999999999999999', 'after'],
      ['after=1&before=2', 'before'],
      ['wait=5s', 'wait'],
      ['after=1&wait=1d', 'wait'],
    ]
    for (const [query, parameter] of wrong) {
      const { status, body } = await api.ask(`/events?${query}`)
      assert.deepEqual([status, body['code'], body['parameter']], [400, 'invalid_parameter', parameter], query)
    }
  })

  it('shows a token that is bound to namespaces only their events', async () => {
    await using api = await served()
    api.journal.record(statusOf('a/x', { namespace: 'a' }))
    api.journal.record(statusOf('b/x', { namespace: 'b', agent_id: 'x' }))
    api.journal.record({ type: 'reload' })

    assert.equal((await api.ask('/events')).body.count, 3)
    assert.deepEqual(serversOf((await api.ask('/events', 'bound-token-1')).body), ['a/x'])
    for (const query of ['agent_id=x', 'server=b/x', 'type=reload', 'after=0&server=b/x&wait=1ms'])
      assert.equal((await api.ask(`/events?${query}`, 'bound-token-1')).body.count, 0, query)
    const foreign = await api.ask('/events?namespace=b', 'bound-token-1')
    assert.deepEqual([foreign.status, foreign.body['code']], [403, 'namespace_forbidden'])
    assert.notEqual(await api.anonymous('/events'), 200)
  })

  it('pages back by before, and forward by after', async () => {
    await using api = await served()
    for (let n = 0; n < 5; n += 1) api.journal.record(statusOf(`default/${n}`))
    const newest = (await api.ask('/events?limit=2')).body
    const older = (await api.ask(`/events?limit=2&before=${newest.events.at(-1)?.id}`)).body
    const forward = (await api.ask(`/events?limit=3&after=${older.events.at(-1)?.id}`)).body
    const rest = (await api.ask(`/events?after=${forward.last_id}&server=4`)).body

    assert.deepEqual([newest, older, forward, rest].map(serversOf), [
      ['default/4', 'default/3'],
      ['default/2', 'default/1'],
      ['default/2', 'default/3', 'default/4'],
      [],
    ])
    assert.equal(rest.last_id, newest.last_id)
    assert.equal((await api.ask(`/events?after=${newest.events[0]?.id}`)).body.missed, undefined)
    assert.equal((await api.ask('/events?after=1')).body.missed, true)
  })

  it('waits for the first event after an id, as one of the watchers', async () => {
    await using api = await served()
    const { last_id } = (await api.ask('/events')).body
    const waiting = api.ask(`/events?after=${last_id}&wait=20s&server=x`)
    while (api.admitted.length === 0) await new Promise((resolve) => setImmediate(resolve))
    api.journal.record(statusOf('default/x'))
    await api.journal.flush()

    assert.deepEqual(serversOf((await waiting).body), ['default/x'])
    assert.equal((await api.ask(`/events?after=${last_id}&wait=1ms&server=y`)).body.count, 0)
  })

  it('refuses an id of another database, a disabled journal, and a store that is down', async () => {
    await using api = await served()
    const ahead = await api.ask(`/events?after=${Number.MAX_SAFE_INTEGER}`)
    api.journal.fail(new StoreUnavailable('down', { retry_after: 3 }))
    const down = await api.ask('/events')
    api.journal.settings.enabled = false
    const disabled = await api.ask('/events')

    assert.deepEqual([ahead.status, ahead.body['code'], ahead.body['parameter']], [410, 'index_expired', 'after'])
    assert.deepEqual([down.status, down.body['code']], [503, 'store_unavailable'])
    assert.deepEqual([disabled.status, disabled.body['code']], [404, 'events_disabled'])
  })
})
