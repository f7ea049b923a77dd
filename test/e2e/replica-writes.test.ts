import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { follow, summaryOf } from '../api/watch/watch-server.ts'
import { type Running, start, temporary, until } from './daemon-process.ts'

const asJson = { 'content-type': 'application/json' }

/** Two daemons on one database file. Each sees what the other wrote a second later, unless a write makes it look. */
describe('two daemons on one store', () => {
  let folder: ReturnType<typeof temporary>
  let one: Running
  let other: Running

  before(async () => {
    folder = temporary()
    const args = ['--config', folder.at('config.yaml')]
    writeFileSync(
      folder.at('config.yaml'),
      `sources: [{ type: agents }]\nstore: { type: sqlite, path: ${folder.at('shared.db')} }\n`,
    )
    one = await start(args, { home: folder.path })
    // The file must have a content, or the daemons would not share it yet.
    await sent(one, 'PUT', '/servers/default/first', manual('1.0.0'))
    other = await start(args, { home: folder.path })
  })
  after(async () => {
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  it('servers and agents written again as they were before the other daemon changed them are stored', async () => {
    const rounds = [0, 1, 2, 3, 4]
    for (const round of rounds) {
      for (const [daemon, version] of [
        [one, '1.0.0'],
        [other, '2.0.0'],
        [one, '1.0.0'],
      ] as const) {
        await sent(daemon, 'PUT', `/servers/default/again-${round}`, manual(version))
        await sent(daemon, 'POST', '/agents', { id: `again-agent-${round}`, version })
      }
    }

    await using third = await startThird()
    const { servers } = await third.json<{ servers: { name: string; version: string }[] }>('/servers')
    const again = servers.filter(({ name }) => name.startsWith('again'))
    assert.equal(again.length, 2 * rounds.length)
    assert.deepEqual(new Set(again.map(({ version }) => version)), new Set(['1.0.0']))
  })

  it('a whole heartbeat brings back what the other daemon changed', async () => {
    const beat = (version: string) => ({ agent_id: 'whole', agent_type: 'mcp_agent', version })
    await sent(one, 'POST', '/heartbeat', beat('1.0.0'))
    await sent(other, 'POST', '/heartbeat', beat('2.0.0'))
    await sent(one, 'POST', '/heartbeat', beat('1.0.0'))

    assert.equal((await fresh<{ version: string }>('/agents/whole')).version, '1.0.0')
  })

  it('a heartbeat brings back the endpoint that the other daemon changed', async () => {
    const beat = (host: string) => ({ agent_id: 'mover', metadata: { endpoint: `http://${host}.example/` } })
    await sent(one, 'POST', '/agents', { id: 'mover', endpoint: 'http://one.example/' })
    await sent(other, 'POST', '/agents', { id: 'mover', endpoint: 'http://two.example/' })
    await sent(one, 'POST', '/heartbeat', beat('one'))

    const agent = await fresh<{ endpoint: string }>('/agents/mover')
    assert.equal(agent.endpoint, 'http://one.example/')
  })

  it('what one daemon acknowledged can be deleted and patched at the other at once', async () => {
    await sent(one, 'PUT', '/servers/default/brief', manual('1.0.0'))
    await sent(other, 'PATCH', '/servers/default/brief', { title: 'patched' })
    await sent(one, 'PATCH', '/servers/default/brief', { tags: ['both'] })
    const patched = await fresh<{ title: string; tags: string[] }>('/servers/default/brief')
    assert.deepEqual([patched.title, patched.tags], ['patched', ['both']])

    await sent(other, 'DELETE', '/servers/default/brief')
    await sent(one, 'POST', '/agents', { id: 'brief' })
    await sent(other, 'DELETE', '/agents/brief')

    await using third = await startThird()
    assert.equal((await third.get('/servers/default/brief')).status, 404)
    assert.equal((await third.get('/agents/brief')).status, 404)
  })

  it('If-Match means the stored version, also of what this daemon has not seen', async () => {
    const { resource_version } = await sent(one, 'POST', '/agents', { id: 'matched', version: '1.0.0' })
    const changed = await sent(other, 'POST', '/agents', { id: 'matched', version: '2.0.0' }, { 'if-match': '*' })

    const answer = await post(one, { id: 'matched', version: '3.0.0' }, String(resource_version))
    const newest = await post(one, { id: 'matched', version: '3.0.0' }, String(changed['resource_version']))

    assert.deepEqual([answer.status, newest.status], [409, 200])
  })

  it('a token of one daemon is known at the other: 304, a poll that waits, a watch that goes on', async () => {
    await using third = await startThird()
    await sent(other, 'PUT', '/servers/default/known', manual('1.0.0'))
    const tagAt = async ({ get }: Running) => (await get('/servers')).headers.get('etag') ?? ''
    await until(async () => digestOf(await tagAt(third)) === digestOf(await tagAt(other)))
    const etag = await tagAt(other)
    const token = etag.slice(3, -1)
    const port = Number(new URL(third.url).port)

    const statuses = await Promise.all(
      [other, third].map(async ({ get }) => (await get('/servers', { headers: { 'if-none-match': etag } })).status),
    )
    assert.deepEqual(statuses, [304, 304])
    const byTime = await third.get('/servers?sort=updated_at', { headers: { 'if-none-match': etag } })
    assert.equal(byTime.status, 200)
    const poll = await third.json<{ events: unknown[] }>(`/servers?index=${token}&wait=1ms`)
    assert.deepEqual(poll.events, [])
    const events = await follow(port, '/servers/watch', { 'last-event-id': token })
    const lines = await follow(port, `/servers?watch=true&resource_version=${token}`)
    for (const watcher of [events, lines]) assert.deepEqual(summaryOf(await watcher.upTo('BOOKMARK')), ['BOOKMARK'])
    await sent(third, 'PUT', '/servers/default/known', manual('2.0.0'))
    for (const watcher of [events, lines]) assert.deepEqual(summaryOf(await watcher.next()), ['MODIFIED known'])
    for (const watcher of [events, lines]) watcher.close()
  })

  async function startThird(): Promise<Running> {
    const third = await start(['--config', folder.at('config.yaml')], { home: folder.path })
    await until(async () => (await third.get('/ready')).status === 200)
    return third
  }

  /** What a daemon that knows nothing but the database answers. */
  async function fresh<T>(path: string): Promise<T> {
    await using third = await startThird()
    return await third.json<T>(path)
  }
})

const digestOf = (etag: string) => /\.([0-9a-f]{32})"$/.exec(etag)?.[1] ?? assert.fail(etag)

const manual = (version: string) => ({ url: 'http://manual.example/mcp', health_check: 'none', version })

async function post({ get }: Running, body: object, version: string): Promise<Response> {
  const headers = { ...asJson, 'if-match': `"${version}"` }
  return get('/agents', { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Sends a write, which must be acknowledged. */
async function sent(
  { get }: Running,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const init = body ? { body: JSON.stringify(body), headers: { ...asJson, ...headers } } : {}
  const answer = await get(path, { method, ...init })
  const text = await answer.text()
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
