import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { serverId } from '../../../src/model/names.ts'
import { NotLoadedYet } from '../../../src/registrations/registrations.ts'
import { StoreUnavailable } from '../../../src/stores/store.ts'
import { temporary } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { parts, serve } from '../served-api.ts'

type Server = {
  id: string
  source: string
  tags: string[]
  resource_version: string
  headers: object
  [key: string]: unknown
}
type ProblemBody = { detail: string; source: string; current: Server; errors: { field: string; problem: string }[] }

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const weather = { name: 'weather', url: 'http://weather.example/mcp', health_check: 'none' }
const admin = { authorization: 'Bearer let-me-in' }

describe('manual servers', () => {
  it('are created, replaced, patched and deleted, visible to the next request', async () => {
    await using daemon = await startHere(memory)
    const names = async () =>
      (await daemon.ask<{ servers: Server[] }>('GET', '/servers')).body.servers.map(({ id }) => id)

    const created = await daemon.ask<Server>('POST', '/servers', { ...weather, namespace: 'team-a' })
    assert.equal(created.status, 201)
    assert.equal(created.headers.get('location'), '/servers/team-a/weather')
    assert.equal(created.body['discovery_method'], 'manual')
    assert.deepEqual(await names(), ['team-a/weather'])

    const replaced = await daemon.ask<Server>('PUT', '/servers/team-a/weather', { ...weather, tags: ['a'] })
    const patched = await daemon.ask<Server>('PATCH', '/servers/team-a/weather', {
      labels: { env: 'prod' },
      tags: null,
    })
    assert.deepEqual([replaced.status, replaced.body.tags, patched.status], [200, ['a'], 200])
    assert.deepEqual([patched.body.tags, patched.body['labels']], [[], { env: 'prod' }])

    assert.equal((await daemon.ask('DELETE', '/servers/team-a/weather')).status, 204)
    assert.deepEqual(await names(), [])
    assert.equal((await daemon.ask('DELETE', '/servers/team-a/weather')).status, 404)
  })

  it('may have any name, also when PUT creates them', async () => {
    await using daemon = await startHere(memory)

    for (const name of ['io.github.acme/weather', 'a b', 'ünï 😀', "x'; DROP TABLE servers; --", '__proto__']) {
      const path = `/servers/default/${encodeURIComponent(name)}`
      const { status, headers } = await daemon.ask('PUT', path, { url: weather.url })
      assert.deepEqual([status, headers.get('location')], [201, path])
      assert.equal((await daemon.ask('GET', path)).body['name'], name)
    }
  })

  it('are not written with unknown query parameters', async () => {
    await using daemon = await startHere(memory)
    await daemon.ask('PUT', '/servers/weather', weather)

    for (const [method, path, body] of [
      ['POST', '/servers?namespace=team', { ...weather, name: 'other' }],
      ['PUT', '/servers/other?forse=true', weather],
      ['PATCH', '/servers/weather?forse=true', { title: 'New' }],
      ['DELETE', '/servers/weather?dryrun=true', undefined],
    ] as const) {
      const answer = await daemon.ask<{ code: string; parameter: string; detail: string }>(method, path, body)
      assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_parameter'], `${method} ${path}`)
      assert.match(answer.body.detail, new RegExp(`unknown parameter "${answer.body.parameter}"`))
    }

    const { servers } = (await daemon.ask<{ servers: Server[] }>('GET', '/servers')).body
    assert.deepEqual(
      servers.map(({ id, title }) => [id, title]),
      [['default/weather', undefined]],
    )
  })

  for (const [allow, reason] of [
    ['', 'blocked'],
    ['health: { allow: [0.0.0.0/0] }', 'blocked'],
    ['health: { allow: [127.0.0.0/8] }', 'ok'],
  ] as const) {
    it(`on this host are probed as ${reason} with "${allow}"`, async () => {
      await using host = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
      await new Promise((resolve) => host.once('listening', resolve))
      await using daemon = await startHere(`${memory}${allow}\n`)
      const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/`
      await daemon.ask('PUT', '/servers/here', { url, health_check_url: url })

      const { body } = await daemon.ask<{ reason: string }>('POST', '/servers/here/probe')

      assert.equal(body.reason, reason)
    })
  }

  it('have no unknown fields in their capabilities', async () => {
    await using daemon = await startHere(memory)
    const capabilities = ['plain', { name: 'forecast', desciption: 'x', inputs: {} }]

    const { status, body } = await daemon.ask<ProblemBody>('PUT', '/servers/weather', { ...weather, capabilities })

    assert.equal(status, 400)
    assert.deepEqual(body.errors, [
      { field: 'capabilities.1.desciption', problem: 'unknown field; did you mean "description"?' },
      { field: 'capabilities.1.inputs', problem: 'unknown field' },
    ])
  })

  it('do not change when the same content is written repeatedly', async () => {
    await using daemon = await startHere(memory)
    const first = await daemon.ask<Server>('PUT', '/servers/weather', weather)
    const token = async () => (await daemon.ask('GET', '/servers')).body['resource_version']
    const before = await token()

    for (let times = 0; times < 20; times += 1) await daemon.ask('PUT', '/servers/weather', weather)

    const last = await daemon.ask<Server>('GET', '/servers/weather')
    assert.equal(await token(), before)
    assert.equal(last.body.resource_version, first.body.resource_version)
  })

  it('are returned with the 409 for a stale version', async () => {
    await using daemon = await startHere(memory)
    const old = await daemon.ask<Server>('POST', '/servers', weather)
    const now = await daemon.ask<Server>('PUT', '/servers/weather', { ...weather, tags: ['new'] })
    const put = (headers: Record<string, string>, more = {}) =>
      daemon.ask<ProblemBody>('PUT', '/servers/weather', { ...weather, tags: ['newer'], ...more }, headers)

    const etag = old.headers.get('etag') ?? ''
    for (const ifMatch of [
      etag,
      `W/${etag}`,
      old.body.resource_version,
      `"${old.body.resource_version}"`,
      '"x", "y"',
    ]) {
      const { status, body } = await put({ 'if-match': ifMatch })
      assert.deepEqual([status, body.current.resource_version], [409, now.body.resource_version], ifMatch)
    }
    assert.equal((await put({}, { resource_version: old.body.resource_version })).status, 409)
    // A secret that the version of the client held may be gone: that is no reason to say more than that the version is.
    const kept = { headers: { 'x-key': '<redacted>' } }
    assert.equal((await put({ 'if-match': etag }, kept)).status, 409)
    assert.equal((await put({ 'if-match': now.headers.get('etag') ?? '' }, kept)).status, 400)
    assert.equal((await put({ 'if-none-match': '*' })).status, 409)
    assert.equal((await daemon.ask('POST', '/servers', weather)).status, 409)
    assert.equal((await daemon.ask('DELETE', '/servers/weather', undefined, { 'if-match': etag })).status, 409)
    assert.equal((await put({ 'if-match': now.headers.get('etag') ?? '' })).status, 200)
    assert.equal((await put({ 'if-match': '*' })).status, 200)
    assert.equal((await daemon.ask('PUT', '/servers/missing', { url: weather.url }, { 'if-match': '*' })).status, 404)
  })

  it('accept one of many concurrent writes of one version, and lose no patch', async () => {
    await using daemon = await startHere(memory)
    const { body } = await daemon.ask<Server>('POST', '/servers', weather)
    const writers = Array.from({ length: 50 }, (_, index) => index)

    const races = await Promise.all(
      writers.map((index) =>
        daemon.ask('PUT', '/servers/weather', {
          ...weather,
          tags: [`${index}`],
          resource_version: body.resource_version,
        }),
      ),
    )
    const patches = await Promise.all(
      writers
        .slice(0, 4)
        .map((index) => daemon.ask('PATCH', '/servers/weather', { metadata: { [`k${index}`]: index } })),
    )

    assert.equal(races.filter(({ status }) => status === 200).length, 1)
    assert.equal(races.filter(({ status }) => status === 409).length, 49)
    assert.deepEqual([...new Set(patches.map(({ status }) => status))], [200])
    const after = await daemon.ask<Server>('GET', '/servers/weather')
    assert.deepEqual(after.body['metadata'], { k0: 0, k1: 1, k2: 2, k3: 3 })
  })

  it('keep their secrets when a client writes back the placeholders', async () => {
    await using daemon = await startHere(
      `${memory}auth: { tokens: [{ name: all, token: let-me-in, role: admin, secrets: true }] }\n`,
    )
    const secret = { headers: { authorization: 'Bearer canary-1' }, url: 'https://me:canary-2@weather.example/mcp' }
    const ask = (method: string, path: string, body?: unknown) =>
      daemon.ask<Server & ProblemBody>(method, path, body, admin)
    await ask('POST', '/servers', { ...weather, ...secret })

    const shown = await ask('GET', '/servers/weather')
    const put = await ask('PUT', '/servers/weather', { ...shown.body, description: 'new' })
    const patched = await ask('PATCH', '/servers/weather', { headers: { 'x-more': 'canary-3' } })
    const unknown = await ask('PATCH', '/servers/weather', { headers: { 'x-other': '<redacted>' } })
    const known = await ask('GET', '/servers/weather?secrets=true')

    assert.doesNotMatch(shown.text + put.text + patched.text + unknown.text + JSON.stringify(daemon.lines), /canary/)
    assert.deepEqual([put.status, patched.status], [200, 200])
    assert.deepEqual(known.body.headers, { authorization: 'Bearer canary-1', 'x-more': 'canary-3' })
    assert.equal(known.body['url'], secret.url)
    assert.deepEqual([unknown.status, unknown.body.errors[0]?.field], [400, 'headers.x-other'])
  })

  it('cannot have the name of a server of another source', async () => {
    await using daemon = await startHere()
    writeFileSync(daemon.folder.at('team.yaml'), 'servers:\n  weather: { url: "http://weather.example/mcp" }\n')
    await daemon.reload(
      `sources: [{ type: file, name: team, paths: [${daemon.folder.at('team.yaml')}] }]\nstore: { type: memory }\n`,
    )
    await daemon.ask('POST', '/sources/team/refresh')

    for (const [method, path] of [
      ['POST', '/servers'],
      ['PUT', '/servers/weather'],
      ['PATCH', '/servers/weather'],
      ['DELETE', '/servers/default/weather'],
    ] as const) {
      const { status, body } = await daemon.ask<ProblemBody>(method, path, method === 'DELETE' ? undefined : weather)
      assert.deepEqual([status, body.source, body.current.source], [409, 'team', 'team'], method)
      assert.match(body.detail, /source "team"/)
    }
  })

  it('stand above agents of the same name, whichever came first', async () => {
    await using daemon = await startHere(memory)
    type Registered = { readonly shadowed_by?: { readonly source: string; readonly origin: string } }
    const register = (name: string) =>
      daemon.ask<Registered>('POST', '/agents', { id: name, name, endpoint: 'http://evil.example/' })
    const shown = async (name: string) => {
      const { body } = await daemon.ask<Server>('GET', `/servers/${name}`)
      return [body.source, body['url']]
    }
    await daemon.ask('PUT', '/servers/weather', weather)
    const second = await register('weather')
    const first = await register('maps')
    const written = await daemon.ask<Server>('PUT', '/servers/maps', { ...weather, name: 'maps' })

    assert.deepEqual([second.status, first.status, written.status], [200, 200, 201], written.text)
    assert.deepEqual(await shown('weather'), ['manual', weather.url])
    assert.deepEqual(await shown('maps'), ['manual', weather.url])
    assert.deepEqual(second.body.shadowed_by, { source: 'manual', origin: 'default/weather' })
    assert.equal(first.body.shadowed_by, undefined)
    const again = await register('maps')
    assert.deepEqual(again.body.shadowed_by, { source: 'manual', origin: 'default/maps' })
    assert.deepEqual(written.body['shadows'], [{ source: 'agents', origin: 'maps' }])
    const audited = daemon.lines.filter((line) => line['audit'] === true && line['agent'] === 'weather')
    assert.deepEqual(
      audited.map((line) => line['shadowed_by']),
      ['manual'],
    )

    assert.equal((await daemon.ask('DELETE', '/servers/maps')).status, 204)
    assert.deepEqual(await shown('maps'), ['agents', 'http://evil.example/'])
    assert.equal((await daemon.ask('PATCH', '/servers/maps', { tags: ['a'] })).status, 409)
  })

  it('stand below agents where the config lists them so', async () => {
    await using daemon = await startHere('sources: [{ type: agents }, { type: manual }]\nstore: { type: memory }\n')
    await daemon.ask('POST', '/agents', { id: 'maps', name: 'maps', endpoint: 'http://maps.example/' })

    const { status, body } = await daemon.ask<ProblemBody>('PUT', '/servers/maps', { ...weather, name: 'maps' })

    assert.deepEqual([status, body.source], [409, 'agents'])
  })

  it('may be commands only with allow_stdio on their source', async () => {
    await using daemon = await startHere(memory)
    const command = { name: 'local', command: 'python', args: ['-m', 'server'] }

    const refused = await daemon.ask<ProblemBody>('POST', '/servers', command)
    await daemon.reload('sources: [{ type: manual, name: ours, allow_stdio: true }]\nstore: { type: memory }\n')
    const taken = await daemon.ask<Server>('POST', '/servers', command)
    await daemon.reload(memory)

    assert.equal(refused.status, 403)
    assert.match(refused.body.detail, /allow_stdio: true on the source "manual"/)
    assert.deepEqual([taken.status, taken.body.source], [201, 'ours'])
    assert.equal((await daemon.ask('GET', '/servers/local')).status, 404)
  })

  it('are written by admins in the namespaces of their token, and audited', async () => {
    await using daemon = await startHere(
      `${memory}auth: { tokens: [{ name: ops, token: let-me-in, role: admin, namespaces: [team-a] }, { name: bot, token: robot, role: registrar }] }\n`,
    )
    const ask = (headers: Record<string, string>, namespace: string) =>
      daemon.ask('PUT', `/servers/${namespace}/weather`, weather, headers)

    assert.equal((await ask({}, 'team-a')).status, 403)
    assert.equal((await ask({ authorization: 'Bearer robot' }, 'team-a')).status, 403)
    assert.equal((await ask(admin, 'team-b')).status, 403)
    assert.equal((await ask(admin, 'team-a')).status, 201)
    const audit = daemon.lines.filter((line) => line['audit'] === true && line['server'] !== undefined)
    assert.deepEqual(
      audit.map(({ principal, server, msg }) => [principal, server, msg]),
      [['ops', 'team-a/weather', 'manual server created']],
    )
    assert.notEqual(audit[0]?.['before'], audit[0]?.['after'])
  })

  it('are probed by admins in the namespaces of their token, at /probe and at its alias /check', async () => {
    await using daemon = await startHere(
      `${memory}auth: { tokens: [{ name: ops, token: let-me-in, role: admin, namespaces: [team-a] }, { name: all, token: everywhere, role: admin }] }\n`,
    )
    const everywhere = { authorization: 'Bearer everywhere' }
    const unchecked = { ...weather, health_check: 'none' }
    const statuses = async (path: string) => {
      const routes = [`/servers/${path}/probe`, `/servers/${path}/check`, `/api/v1/servers/${path}/probe`]
      const answers = await Promise.all(routes.map((route) => daemon.ask('POST', route, undefined, admin)))
      return answers.map(({ status }) => status)
    }
    for (const namespace of ['team-a', 'team-b'])
      await daemon.ask('PUT', `/servers/${namespace}/weather`, unchecked, everywhere)

    assert.deepEqual(await statuses('team-a/weather'), [200, 200, 200])
    assert.deepEqual(await statuses('team-b/weather'), [403, 403, 403])
    assert.deepEqual(await statuses('team-a/unknown'), [404, 404, 404])
  })

  it('get 400 that names every invalid field and no value', async () => {
    await using daemon = await startHere(memory)
    const errors = async (body: unknown, method = 'POST', path = '/servers') => {
      const answer = await daemon.ask<ProblemBody>(method, path, body)
      assert.equal(answer.status, 400, answer.text)
      assert.doesNotMatch(answer.text, /canary/)
      return answer.body.errors?.map(({ field }) => field)
    }

    assert.deepEqual(
      await errors({ name: 'a', url: 'ftp://canary', labels: { 'a b': 'canary' }, max_retries: 'canary' }),
      ['labels.a b', 'max_retries'],
    )
    assert.deepEqual(await errors({ name: 'a\0canary', url: weather.url }), ['name'])
    assert.deepEqual(await errors({ url: weather.url }), ['name'])
    assert.deepEqual(await errors({ ...weather, name: 'other' }, 'PUT', '/servers/weather'), ['name'])
    assert.equal(await errors([weather]), undefined)
    assert.equal(await errors('{"name": "canary"'), undefined)
    assert.equal(await errors(''), undefined)
    const deep = `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
    assert.equal(await errors(`{"name":"a","url":"${weather.url}","metadata":${deep}}`), undefined)
    assert.equal((await daemon.ask('POST', '/servers', { ...weather, description: 'x'.repeat(300_000) })).status, 413)
    assert.equal((await daemon.ask('PUT', '/servers/a%00b', weather)).status, 404)
    assert.equal(
      (await daemon.ask('PATCH', '/servers/weather', [], { 'content-type': 'application/json-patch+json' })).status,
      415,
    )
  })

  it('are rejected with the reason, whatever the name of the field', async () => {
    await using daemon = await startHere(memory)
    const headers = { Authorization: ['Bearer canary'] }

    const { body, text } = await daemon.ask<ProblemBody>('PUT', '/servers/x', { url: weather.url, headers })
    const kept = await daemon.ask<ProblemBody>('PUT', '/servers/x', {
      url: weather.url,
      headers: { Authorization: '<redacted>' },
    })

    assert.equal(body.errors[0]?.field, 'headers.Authorization')
    for (const answer of [body, kept.body]) {
      const { field, problem } = answer.errors[0] ?? {}
      assert.equal(answer.detail, `Invalid server definition. ${field}: ${problem}`)
    }
    assert.doesNotMatch(text, /canary/)
  })

  it('survive a restart', async () => {
    using folder = temporary()
    async function written(): Promise<Server> {
      await using daemon = await startHere('sources: []\n', { folder })
      return (await daemon.ask<Server>('POST', '/servers', weather)).body
    }
    const before = await written()

    await using again = await startHere('sources: []\n', { folder })

    const { body } = await again.ask<Server>('GET', '/servers/weather')
    assert.deepEqual([body.resource_version, body['created_at']], [before.resource_version, before['created_at']])
  })

  it('get 409 when they are deleted during the write', async () => {
    const { manual } = parts()
    const stored = { resource_version: '1', created_at: '', updated_at: '' }
    // The outcome of a put whose server was deleted in the same batch.
    const put: typeof manual.put = (definition) =>
      Promise.resolve({ server: { id: serverId('default', 'weather'), definition, stored }, created: true })
    await using served = await serve({ servers: [], parts: { manual: { ...manual, put } } })

    const answer = await served.get('/servers', { method: 'POST', body: JSON.stringify(weather) })

    assert.equal(answer.status, 409)
    assert.match(await answer.text(), /removed concurrently/)
  })

  it('are rejected with Retry-After while the store is unavailable', async () => {
    const away = () => Promise.reject(new StoreUnavailable('the disk is gone', { retry_after: 2.5 }))
    const { manual } = parts()
    await using down = await serve({ servers: [], parts: { manual: { ...manual, put: away } } })
    const unread = () => {
      throw new NotLoadedYet('not yet')
    }
    await using early = await serve({ servers: [], parts: { manual: { ...manual, assertLoaded: unread } } })
    const post = { method: 'POST', body: JSON.stringify(weather) }

    const answers = [await down.get('/servers', post), await early.get('/servers', post)]

    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers.get('retry-after')]),
      [
        [503, '3'],
        [503, '1'],
      ],
    )
  })
})
