import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type AnswerStore, connectRoster, RosterError, type Staleness } from '../../src/client/index.ts'
import { start, temporary, until } from '../e2e/daemon-process.ts'
import { scriptedRoster } from './scripted-roster.ts'

const list = (...names: readonly string[]) => ({
  servers: names.map((name) => ({ id: `default/${name}`, name })),
  count: names.length,
  total: names.length,
  resource_version: 'e-1',
})
const ok = { status: 200, body: list('weather'), headers: { etag: '"e-1"' } }
const busy = { status: 503, body: { code: 'store_unavailable', detail: 'no store' }, headers: { 'retry-after': '0' } }
const namesOf = ({ servers }: { servers: readonly { name: string }[] }) => servers.map(({ name }) => name)

function withCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RosterError && error.code === code
}

function memoryStore(): AnswerStore & { readonly entries: Map<string, string> } {
  const entries = new Map<string, string>()
  return {
    entries,
    get: async (key) => entries.get(key),
    set: async (key, value) => void entries.set(key, value),
    delete: async (key) => void entries.delete(key),
  }
}

describe('a request to a roster in trouble', () => {
  it('a read is made again after a cut connection and a 503', async () => {
    await using roster = await scriptedRoster('reset', busy, ok)

    assert.deepEqual(namesOf(await connectRoster({ url: roster.url }).list()), ['weather'])
    assert.equal(roster.requests.length, 3)
  })

  it('a read fails after its retries with the last error', async () => {
    await using roster = await scriptedRoster(busy)

    await assert.rejects(connectRoster({ url: roster.url, retries: 1 }).list(), withCode('store_unavailable'))
    assert.equal(roster.requests.length, 2)
  })

  it('an error of the request itself is not repeated', async () => {
    await using roster = await scriptedRoster({ status: 404, body: { code: 'server_not_found' } })

    await assert.rejects(connectRoster({ url: roster.url }).get('none'), withCode('server_not_found'))
    assert.equal(roster.requests.length, 1)
  })

  it('a heartbeat is repeated, a probe is not', async () => {
    await using roster = await scriptedRoster('reset')
    const client = connectRoster({ url: roster.url, retries: 1, breaker: false })

    await assert.rejects(client.heartbeat('agent'), withCode('unreachable'))
    assert.equal(roster.requests.length, 2)
    await assert.rejects(client.probe('weather'), withCode('unreachable'))
    assert.equal(roster.requests.length, 3)
  })

  it('a pause that the roster asks for beyond the time limit ends the request at once', async () => {
    await using roster = await scriptedRoster({ ...busy, headers: { 'retry-after': '60' } })
    const client = connectRoster({ url: roster.url, timeoutMs: 5000 })

    await assert.rejects(client.list(), withCode('store_unavailable'))
    assert.equal(roster.requests.length, 1)
  })

  it('a token that no header may have is neither shown nor sent, and nothing is repeated', async () => {
    await using roster = await scriptedRoster(ok)
    const client = connectRoster({ url: roster.url, token: 'c4nary\nsecond', breaker: { failures: 1 } })

    for (let request = 0; request < 2; request += 1)
      await assert.rejects(client.list(), (error) => {
        assert.ok(error instanceof RosterError && error.code === 'invalid_token')
        return !/c4nary/.test(`${error.message} ${String(error.cause)}`)
      })
    assert.equal(roster.requests.length, 0)
    assert.equal((await connectRoster({ url: roster.url, token: 'c4nary\n' }).list()).total, 1)
    assert.equal(roster.requests[0]?.headers.authorization, 'Bearer c4nary')
  })

  it('an endless time limit is none, and what cannot be meant is a TypeError', async () => {
    await using roster = await scriptedRoster(ok)
    const client = connectRoster({ url: roster.url, timeoutMs: Infinity })

    assert.equal((await client.list()).total, 1)
    for (const name of ['..', '.', ''])
      await assert.rejects(async () => client.get(name), /no server can have the name/)
    for (const options of [undefined, null, 'http://localhost', {}, { url: 'nowhere' }])
      assert.throws(() => connectRoster(options as never), TypeError)
  })

  it('an aborted request is not repeated', async () => {
    await using roster = await scriptedRoster({ ...busy, headers: { 'retry-after': '5' } })
    const abort = new AbortController()
    const listing = connectRoster({ url: roster.url }).list({}, { signal: abort.signal })
    await until(() => roster.requests.length === 1)
    abort.abort()

    await assert.rejects(listing)
    assert.equal(roster.requests.length, 1)
  })

  it('after failures in a row the roster is not asked, until a trial succeeds', async () => {
    await using roster = await scriptedRoster(busy)
    const client = connectRoster({ url: roster.url, retries: 0, breaker: { failures: 2, openMs: 50 } })
    for (let failure = 0; failure < 2; failure += 1) await assert.rejects(client.list(), withCode('store_unavailable'))

    await assert.rejects(client.list(), withCode('circuit_open'))
    assert.equal(roster.requests.length, 2)

    roster.answer(ok)
    assert.ok(await until(async () => (await client.list().catch(() => undefined))?.total === 1))
    assert.equal(roster.requests.length, 3)
  })

  it('a roster that answers 404 is not away', async () => {
    await using roster = await scriptedRoster({ status: 404, body: { code: 'server_not_found' } })
    const client = connectRoster({ url: roster.url, retries: 0, breaker: { failures: 1 } })

    for (let request = 0; request < 3; request += 1)
      await assert.rejects(client.get('none'), withCode('server_not_found'))
  })
})

describe('the answers that a client keeps', () => {
  it('a fresh answer is given again without a request', async () => {
    await using roster = await scriptedRoster(ok)
    const client = connectRoster({ url: roster.url, cache: true })
    await client.list({ tag: 'a' })
    await client.list({ tag: 'a' })
    await client.list({ tag: 'b' })

    assert.equal(roster.requests.length, 2)
  })

  it('an answer that is no longer fresh is confirmed by its ETag', async () => {
    await using roster = await scriptedRoster(ok, { status: 304 })
    const client = connectRoster({ url: roster.url, cache: { freshMs: 0 } })
    await client.list()
    const again = await client.list()

    assert.equal(roster.requests[1]?.headers['if-none-match'], '"e-1"')
    assert.deepEqual([namesOf(again), again.stale], [['weather'], undefined])
  })

  it('while the roster is away the last answer is given and says so', async () => {
    await using roster = await scriptedRoster(ok)
    const reported: Staleness[] = []
    const client = connectRoster({
      url: roster.url,
      retries: 0,
      breaker: { failures: 1 },
      cache: { freshMs: 0 },
      onStale: (stale) => reported.push(stale),
    })
    await client.list()
    roster.answer('reset')

    for (const reason of [/no daemon answers/, /failed several times in a row/]) {
      const { servers, stale } = await client.list()
      assert.equal(servers[0]?.name, 'weather')
      assert.match(stale?.reason ?? '', reason)
      assert.ok(Date.parse(stale?.since ?? '') <= Date.now())
    }
    assert.deepEqual(
      reported.map(({ path }) => path),
      ['/servers', '/servers'],
    )
    await assert.rejects(client.list({ tag: 'never asked' }), withCode('circuit_open'))
  })

  it('what the token may no longer read is neither given nor kept', async () => {
    await using roster = await scriptedRoster(ok)
    const store = memoryStore()
    const client = connectRoster({ url: roster.url, retries: 0, cache: { freshMs: 0, store } })
    await client.list()
    assert.equal(store.entries.size, 1)
    roster.answer({ status: 403, body: { code: 'role_needed' } })

    await assert.rejects(client.list(), withCode('role_needed'))
    assert.equal(store.entries.size, 0)
    roster.answer('reset')
    await assert.rejects(client.list(), withCode('unreachable'))
  })

  it('another token does not read what the one before had read', async () => {
    await using roster = await scriptedRoster(ok)
    let token = 'first'
    const client = connectRoster({ url: roster.url, token: () => token, retries: 0, cache: true })
    await client.list()
    token = 'second'
    await client.list()

    assert.equal(roster.requests.length, 2)
  })

  it('a store survives the program; one that fails or holds something else is ignored', async () => {
    await using roster = await scriptedRoster(ok)
    const store = memoryStore()
    await connectRoster({ url: roster.url, token: 's3cret', cache: { store } }).list()
    assert.doesNotMatch(JSON.stringify([...store.entries]), /s3cret/)
    roster.answer('reset')

    const later = connectRoster({ url: roster.url, retries: 0, cache: { freshMs: 0, store } })
    assert.ok((await later.list()).stale)

    roster.answer(ok)
    for (const key of store.entries.keys()) store.entries.set(key, '{"text":')
    assert.equal((await connectRoster({ url: roster.url, cache: { store } }).list()).stale, undefined)
    const broken = {
      get: () => Promise.reject(new Error('disk')),
      set: () => Promise.reject(new Error('disk')),
      delete: () => {},
    }
    assert.equal((await connectRoster({ url: roster.url, cache: { store: broken } }).list()).total, 1)
  })

  it('memory is bounded by number and by size', async () => {
    await using roster = await scriptedRoster(ok)
    for (const bound of [{ maxEntries: 2 }, { maxCharacters: 2 * JSON.stringify(ok.body).length }]) {
      const client = connectRoster({ url: roster.url, cache: bound })
      for (const tag of ['a', 'b', 'c']) await client.list({ tag })
      roster.requests.length = 0
      for (const tag of ['b', 'c', 'a']) await client.list({ tag })

      assert.deepEqual(
        roster.requests.map(({ url }) => url),
        ['/servers?tag=a'],
      )
    }
  })
})

it('queries of a client find servers, agents, capabilities and sources of a real daemon, and outlive it', async () => {
  using home = temporary()
  writeFileSync(home.at('servers.yaml'), 'servers: { files: { command: npx }, off: { command: npx, enabled: false } }')
  const daemon = await start([home.path], { home: home.path })
  const client = connectRoster({ url: daemon.url, retries: 0, cache: { freshMs: 0 } })
  await client.register({ agent_id: 'hello', endpoint: 'http://127.0.0.1:9/mcp', capabilities: ['greet'] })
  await until(async () => (await client.list()).total === 3)

  assert.deepEqual((await client.agents()).agents.length, 1)
  assert.deepEqual(
    (await client.findAgents({ capability: 'greet' })).map(({ id }) => id),
    ['hello'],
  )
  assert.deepEqual(
    (await client.find()).map(({ name }) => name),
    ['files', 'hello'],
  )
  assert.deepEqual(await client.findAgents({ capability: 'none' }), [])
  const { capabilities } = await client.capabilities({ name: 'greet', exact: true })
  assert.deepEqual([capabilities[0]?.agent_id, capabilities[0]?.agent_status], ['hello', 'healthy'])
  assert.ok((await client.sources()).sources.some(({ type, state }) => type === 'file' && state === 'synced'))

  await daemon[Symbol.asyncDispose]()
  const { agents, stale } = await client.agents()
  assert.equal(agents[0]?.id, 'hello')
  assert.match(stale?.reason ?? '', /no daemon answers/)
  await assert.rejects(client.heartbeat('hello'), withCode('unreachable'))
})
