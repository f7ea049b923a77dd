import assert from 'node:assert/strict'
import { createServer, get } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { writeReply } from '../../../../src/api/http/reply.ts'
import type { VolatileParts } from '../../../../src/api/servers/detail-cache.ts'
import { createListCache } from '../../../../src/api/servers/list/list-cache.ts'
import { createTestRegistry } from '../../../test-registry.ts'
import { serve } from '../../served-api.ts'

type List = {
  servers: Record<string, unknown>[]
  count: number
  total: number
  resource_version: string
  syncing?: string[]
  continue?: string
}

function createTestLists({ maxCachedBytes }: { maxCachedBytes?: number } = {}) {
  const roster = createTestRegistry()
  const waiting: string[] = []
  const moving = new Map<string, VolatileParts>()
  const answers = createListCache({
    registry: roster.registry,
    syncing: () => waiting,
    volatile: (id) => moving.get(id),
    ...(maxCachedBytes === undefined ? {} : { maxCachedBytes }),
  })
  const reply = (raw: string) => answers.answer(raw) ?? assert.fail(`no answer to ${raw}`)
  const list = (raw: string) => JSON.parse(reply(raw).body.toString()) as List
  const names = (raw: string) => list(raw).servers.map(({ name }) => name)
  return { ...roster, answers, reply, list, names, waiting, moving }
}

describe('the list of servers', () => {
  it('has the servers of the page, their total number and the revision', () => {
    const { put, list, registry } = createTestLists()
    put({ name: 'a', tags: ['geo'] }, { name: 'b' }, { name: 'c', tags: ['geo'] })

    const { servers, ...rest } = list('tag=geo&limit=1')

    assert.deepEqual(servers, [JSON.parse(registry.get('default/a')?.json().toString() ?? '')])
    assert.deepEqual(Object.keys(rest), ['count', 'total', 'resource_version', 'continue'])
    assert.deepEqual([rest.count, rest.total, rest.resource_version], [1, 2, registry.token()])
  })

  it('is the same reply until a change, for every spelling of a query', () => {
    const { put, reply } = createTestLists()
    put({ name: 'a', tags: ['x', 'y'] })

    const first = reply('tag=x&tag=y')

    assert.equal(reply('tag=y&tag=x&status='), first)
    put({ name: 'b', tags: ['x', 'y'] })
    assert.notEqual(reply('tag=x&tag=y'), first)
    assert.match(reply('tag=x&tag=y').body.toString(), /"count":2/)
  })

  it('shows the newest revision for every query', () => {
    const { put, list } = createTestLists()
    put({ name: 'a', tags: ['x'] })
    list('')
    list('tag=x')

    put({ name: 'b', tags: ['x'] })

    assert.equal(list('').count, 2)
    assert.equal(list('tag=x').count, 2)
  })

  it('differs by page, order, fields and view', () => {
    const { put, list, names } = createTestLists()
    put({ name: 'a' }, { name: 'b' }, { name: 'c' })
    const first = list('limit=2')

    assert.deepEqual(names('limit=2'), ['a', 'b'])
    assert.deepEqual(names('limit=1'), ['a'])
    assert.deepEqual(names(`limit=2&continue=${first.continue}`), ['c'])
    assert.deepEqual(names('sort=-name'), ['c', 'b', 'a'])
    assert.deepEqual(names(''), ['a', 'b', 'c'])
    assert.deepEqual(list('fields=name').servers[0], { name: 'a' })
  })

  it('has the revision as ETag', () => {
    const { put, reply, registry } = createTestLists()
    put({ name: 'a' })

    assert.equal(reply('').etag, `W/"${registry.token()}"`)
    assert.equal(reply('').headers['etag'], reply('').etag)
  })

  it('names the sources that have not answered, and has no ETag meanwhile', () => {
    const { put, list, reply, waiting } = createTestLists()
    put({ name: 'a' })
    const before = reply('')

    waiting.push('cluster')
    assert.deepEqual(list('').syncing, ['cluster'])
    assert.equal(reply('').etag, undefined)

    waiting.pop()
    assert.deepEqual(reply('').body, before.body)
    assert.equal(reply('').etag, before.etag)
  })

  it('has only the requested fields, secrets redacted', () => {
    const { put, list } = createTestLists()
    put({ name: 'a', headers: { Authorization: 'Bearer hunter2' }, tags: ['x'] })

    assert.deepEqual(list('fields=name,headers,tags').servers, [
      { headers: { Authorization: '<redacted>' }, name: 'a', tags: ['x'] },
    ])
  })

  it('has volatile fields in the full view only, encoded for each request and without an ETag', () => {
    const { put, list, reply, moving } = createTestLists()
    put({ name: 'a' })
    const health = (raw: string) => list(raw).servers[0]?.['health'] as Record<string, unknown>
    moving.set('default/a', { version: 1, response_time_ms: 7 })

    assert.equal(health('view=full')['response_time_ms'], 7)
    moving.set('default/a', { version: 2, response_time_ms: 9 })
    assert.equal(health('view=full')['response_time_ms'], 9)
    assert.equal(health('')['response_time_ms'], undefined)
    assert.equal(reply('view=full').etag, undefined)
  })

  it('by response time follows the probes, which have no revision', () => {
    const { put, names, reply, registry } = createTestLists()
    const times = new Map([
      ['default/a', 9],
      ['default/c', 3],
    ])
    registry.orderByResponseTime((id) => times.get(id))
    put({ name: 'a' }, { name: 'b' }, { name: 'c' })

    assert.deepEqual(names('sort=response_time'), ['c', 'a', 'b'])
    assert.deepEqual(names('sort=-response_time'), ['a', 'c', 'b'])
    times.set('default/c', 30).set('default/b', 10)
    assert.deepEqual(names('sort=response_time'), ['a', 'b', 'c'])
    assert.equal(reply('sort=response_time').etag, undefined)
    assert.notEqual(reply('sort=status_since').etag, undefined)
  })

  it('continues after the last server of a page, whatever was added before it', () => {
    const { put, list, names } = createTestLists()
    put({ name: 'a' }, { name: 'b' }, { name: 'c' })

    const { continue: next = '' } = list('limit=2')
    put({ name: 'aa' }, { name: 'bb' })

    assert.deepEqual(names(`limit=2&continue=${next}`), ['bb', 'c'])
  })

  for (const [raw, parameter] of [
    ['color=red', 'color'],
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1e9', 'limit'],
    ['status=great', 'status'],
    ['label_selector=a+in+(b', 'label_selector'],
    [`label_selector=${'('.repeat(10_000)}`, 'label_selector'],
    ['version_constraint=banana', 'version_constraint'],
    ['continue=nonsense', 'continue'],
    ['continue=WyJ4IiwiIiwiYSJd', 'continue'],
    ['name=a&name=b', 'name'],
    ['fields=name,password', 'fields'],
    ['sort=colour', 'sort'],
    [`q=${'(a+)+'.repeat(2000)}`, 'q'],
  ] as const) {
    it(`rejects ${raw.slice(0, 40)}, naming ${parameter}`, () => {
      const started = performance.now()
      const { status, body } = createTestLists().reply(raw)

      assert.equal(status, 400)
      const problem = JSON.parse(body.toString()) as { parameter: string; detail: string; error: string }
      assert.equal(problem.parameter, parameter)
      assert.match(problem.detail, new RegExp(parameter))
      assert.equal(problem.error, problem.detail)
      assert.ok(performance.now() - started < 500)
    })
  }

  it('treats an empty parameter as absent', () => {
    const { put, names } = createTestLists()
    put({ name: 'a' })

    assert.deepEqual(names('status=&q=&limit=&label_selector=&watch=&watch=false'), ['a'])
  })

  it('leaves watches and secrets to their routes', () => {
    const { answers } = createTestLists()

    for (const raw of ['watch=true', 'index=e-1', 'secrets=true']) assert.equal(answers.answer(raw), undefined)
  })

  it('is cached up to the maximum size', () => {
    const { put, answers } = createTestLists({ maxCachedBytes: 20_000 })
    put(...Array.from({ length: 5 }, (_, index) => ({ name: `s${index}` })))

    for (let index = 0; index < 200; index += 1) answers.answer(`name=s${index}`)

    assert.ok(answers.counts().bytes <= 20_000)
    assert.ok(answers.counts().cached > 0)
  })

  it('of more than a thousand servers is streamed, and cached by one of those that request it again', async () => {
    await using served = await serve({ servers: Array.from({ length: 2500 }, (_, index) => ({ name: `s${index}` })) })
    const get = async (headers: Record<string, string> = {}) => {
      const answer = await served.get('/servers', { headers: { 'accept-encoding': 'identity', ...headers } })
      return { status: answer.status, headers: answer.headers, body: await answer.text() }
    }

    const first = await get()
    const list = JSON.parse(first.body) as List
    const [second, third] = await Promise.all([get(), get()])
    const fourth = await get()

    assert.equal(list.servers.length, 2500)
    assert.deepEqual([list.count, list.total], [2500, 2500])
    assert.deepEqual(
      [second, third, fourth].map(({ body }) => body === first.body),
      [true, true, true],
    )
    assert.deepEqual(
      [first, second, third, fourth].map(({ headers }) => headers.has('content-length')),
      [false, false, false, true],
    )
    assert.equal((await get({ 'if-none-match': first.headers.get('etag') ?? '' })).status, 304)
    const head = await served.get('/servers?view=full', { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
  })

  it('of many servers is cached at its second request, and stays whole while other lists are sent', async () => {
    const { put, answers } = createTestLists()
    const tags = ['a', 'b', 'c', 'd', 'e']
    put(...Array.from({ length: 1000 }, (_, n) => ({ name: `s${n}`, tags: [tags[n % tags.length] ?? ''] })))
    const waiting = Promise.withResolvers<void>()
    await using web = await listenWith((request, response) => {
      const reply = answers.answer(request.url?.slice(2) ?? '')
      if (request.url === '/wait') void waiting.promise.then(() => response.end('done'))
      else if (reply) writeReply(request, response, reply)
    })

    // Pipelined behind an unanswered request, this reply waits while others are sent.
    const socket = connect(web.port, '127.0.0.1')
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
    socket.write(get('/wait') + get('/?tag=a', 'connection: close\r\n'))
    while (answers.counts().misses === 0) await setImmediate()
    const others = await Promise.all(tags.slice(1).map((tag) => web.get(`/?tag=${tag}`)))
    assert.equal(answers.counts().cached, 0)
    waiting.resolve()
    const [, , head = '', body = ''] = (await text(socket)).split(/\r\n\r\n|(?=HTTP)/).filter(Boolean)

    for (const [index, list] of [body, ...others.map(({ body: one }) => one)].entries()) {
      const { servers } = JSON.parse(list) as { servers: { tags: string[] }[] }
      assert.deepEqual(new Set(servers.flatMap((one) => one.tags)), new Set([tags[index]]), head)
      assert.equal(servers.length, 200)
    }
    assert.equal((await web.get('/?tag=a')).body, body)
    assert.equal(answers.counts().cached, 1)
    assert.equal((await web.get('/?tag=a')).body, body)
    assert.equal(answers.counts().hits, 1)
  })

  it('of a polling client is cached again right after a change', () => {
    const { put, answers, reply } = createTestLists()
    put(...Array.from({ length: 100 }, (_, n) => ({ name: `s${n}`, tags: ['x'] })))
    reply('tag=x')
    reply('tag=x')

    put({ name: 'another', tags: ['x'] })
    const after = reply('tag=x')

    assert.equal(reply('tag=x'), after)
    assert.deepEqual(answers.counts(), { ...answers.counts(), hits: 1, misses: 3 })
  })
})

/** A bare server on loopback in front of a handler. */
async function listenWith(handler: Parameters<typeof createServer>[1]) {
  const server = createServer(handler ?? (() => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = (path: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; body: string; etag: string }>((resolve, reject) => {
      get({ port, path, headers, agent: false }, (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(parts).toString(),
            etag: response.headers.etag ?? '',
          }),
        )
      }).on('error', reject)
    })
  return { port, get: ask, [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))) }
}
