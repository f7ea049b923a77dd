import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { temporary } from '../../../e2e/daemon-process.ts'
import { startHere } from '../../../in-process-daemon.ts'

type Override = { enabled: boolean; by: string; at: string }
type Server = { id: string; enabled: boolean; status: string; health: { reason?: string }; override?: Override }
type ProblemBody = { code: string; detail: string }
type Daemon = Awaited<ReturnType<typeof startHere>>

const path = '/servers/default/weather/override'
const disabled = { enabled: false }
const show = async (daemon: Daemon) => (await daemon.ask<Server>('GET', '/servers/weather')).body

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(10_000)
  while (!(await holds())) await pause(20, undefined, { signal: deadline })
}

/** A folder with one server in a file, and the config that reads it. */
function withFile({ url = 'http://weather.example/mcp', check = 'none' } = {}) {
  const folder = temporary()
  const write = (fields: object = {}) =>
    writeFileSync(
      folder.at('servers.json'),
      JSON.stringify({ servers: { weather: { url, health_check: check, ...fields } } }),
    )
  write()
  const config =
    `sources: [{ type: file, paths: [${folder.at('servers.json')}] }, { type: agents }]\n` +
    `store: { type: sqlite, path: ${folder.at('store.db')} }\n`
  return { folder, write, config, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('an override of a server', () => {
  it('stands above the source, survives reading and restart, and gives the source back when it is removed', async () => {
    using place = withFile()
    {
      await using daemon = await startHere(place.config, { folder: place.folder })
      const { status, body } = await daemon.ask<{ override: Override }>('PUT', path, disabled)
      assert.deepEqual([status, body.override.enabled], [200, false])
      const server = await show(daemon)
      assert.deepEqual([server.enabled, server.health.reason, server.override], [false, 'disabled', body.override])
      const listed = await daemon.ask<{ servers: Server[] }>('GET', '/servers?enabled=false')
      assert.deepEqual(listed.body.servers[0]?.override, body.override)
      assert.equal((await daemon.ask<{ servers: object }>('GET', '/discover')).text.includes('weather'), false)

      place.write({ tags: ['new'] })
      await until(async () => (await daemon.ask('GET', '/servers?tag=new')).text.includes('weather'))
      assert.equal((await show(daemon)).enabled, false)
      assert.equal((await daemon.ask('GET', '/servers?tag=new')).text.includes('"enabled":false'), true)
    }
    await using daemon = await startHere(place.config, { folder: place.folder })
    assert.equal((await show(daemon)).enabled, false)
    assert.equal((await daemon.ask('DELETE', path)).status, 204)
    const { enabled, override } = await show(daemon)
    assert.deepEqual([enabled, override], [true, undefined])
    const again = await daemon.ask<ProblemBody>('DELETE', path)
    assert.deepEqual([again.status, again.body.code], [404, 'override_not_found'])
  })

  it('is told to watches and to the journal, and audited', async () => {
    using place = withFile()
    await using daemon = await startHere(place.config, { folder: place.folder })
    const token = (await daemon.ask('GET', '/servers')).body['resource_version'] as string
    await daemon.ask('PUT', path, disabled)

    const changes = await daemon.get(`/servers?watch=true&resource_version=${token}`, {
      signal: AbortSignal.timeout(10_000),
    })
    let text = ''
    for await (const piece of changes.body!.pipeThrough(new TextDecoderStream())) {
      text += piece
      if (text.includes('"override"')) break
    }
    assert.match(text, /"MODIFIED".*"enabled":false.*"override":\{"enabled":false/)
    type Event = { type: string; server: string; by?: string; principal?: string }
    await until(async () =>
      (await daemon.ask<{ events: Event[] }>('GET', '/events?type=changed')).text.includes('override'),
    )
    assert.ok(daemon.lines.some(({ audit, server }) => audit === true && server === 'default/weather'))
  })

  it('ends the probes of a server that it disables, and begins those of one that it enables', async () => {
    let probes = 0
    const probed = createServer((_, response) => {
      probes += 1
      response.end('ok')
    })
    await new Promise<void>((done) => void probed.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(probed.address() as AddressInfo).port}/`
    using place = withFile({ url, check: 'http' })
    place.write({ enabled: false })
    try {
      await using daemon = await startHere(place.config, { folder: place.folder })
      assert.equal((await show(daemon)).health.reason, 'disabled')
      await daemon.ask('PUT', path, { enabled: true })
      await until(async () => (await show(daemon)).status === 'healthy')
      assert.ok(probes > 0)
      await daemon.ask('PUT', path, disabled)
      const { status, health } = await show(daemon)
      assert.deepEqual([status, health.reason], ['unknown', 'disabled'])
    } finally {
      probed.closeAllConnections()
      probed.close()
    }
  })

  it('needs a known server, a clear body, the role and the namespace', async () => {
    using place = withFile()
    const auth =
      'auth: { tokens: [{ name: reader, token: read-only-token-0001, role: reader }, { name: other, token: admin-token-of-a-0001, role: admin, namespaces: [team-a] }, { name: ops, token: admin-token-of-all-01, role: admin }] }\n'
    await using daemon = await startHere(place.config + auth, { folder: place.folder })
    const ask = async (method: string, at: string, body: unknown, token: string) => {
      const answer = await daemon.ask<ProblemBody>(method, at, body, { authorization: `Bearer ${token}` })
      return [answer.status, answer.body.code]
    }
    const ops = 'admin-token-of-all-01'

    assert.deepEqual(await ask('PUT', path, disabled, 'read-only-token-0001'), [403, 'role_required'])
    assert.deepEqual(await ask('PUT', path, disabled, 'admin-token-of-a-0001'), [403, 'namespace_forbidden'])
    assert.deepEqual(await ask('PUT', '/servers/default/absent/override', disabled, ops), [404, 'server_not_found'])
    for (const body of [{}, { enabled: 'no' }, { enabled: true, by: 'me' }, [], 7])
      assert.deepEqual(await ask('PUT', path, body, ops), [400, 'invalid_override'])
    assert.deepEqual(await ask('PUT', path, 'x'.repeat(5000), ops), [413, 'body_too_large'])
    assert.deepEqual(await ask('PUT', `${path}?dry_run=maybe`, disabled, ops), [400, 'invalid_parameter'])
    for (const [method, where, body] of [
      ['PUT', path, {}],
      ['PUT', '/servers/default/absent/override', disabled],
      ['DELETE', path, undefined],
    ] as const)
      assert.deepEqual(await ask(method, `${where}?dry_run=true`, body, ops), await ask(method, where, body, ops))
    const headers = { authorization: `Bearer ${ops}` }
    const { body } = await daemon.ask<{ overrides: object[] }>('GET', '/overrides', undefined, headers)
    assert.deepEqual(body.overrides, [])
    await daemon.ask('PUT', path, disabled, headers)
    const listed = await daemon.ask<{ overrides: Record<string, unknown>[] }>('GET', '/overrides', undefined, headers)
    const [{ at, ...one } = {}] = listed.body.overrides
    assert.ok(at)
    assert.deepEqual(one, { id: 'default/weather', enabled: false, by: 'ops', present: true })
  })

  it('is rehearsed by a dry run, which changes and audits nothing', async () => {
    await using daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
    await daemon.ask('PUT', '/servers/weather', { url: 'http://weather.example/mcp', health_check: 'none' })
    const plan = async (method: string, body?: object) => {
      const [before, audits] = [await show(daemon), daemon.lines.filter(({ audit }) => audit).length]
      const answer = await daemon.ask<{ dry_run: boolean; action: string; override: object }>(
        method,
        `/api/v1${path}?dry_run=true`,
        body,
      )
      assert.deepEqual([answer.status, answer.body.dry_run], [200, true])
      assert.deepEqual([await show(daemon), daemon.lines.filter(({ audit }) => audit).length], [before, audits])
      return answer.body
    }

    const created = await plan('PUT', disabled)
    assert.deepEqual([created.action, created.override], ['create', { enabled: false, by: 'anonymous' }])
    await daemon.ask('PUT', path, disabled)
    assert.equal((await plan('PUT', disabled)).action, 'none')
    assert.equal((await plan('PUT', { enabled: true })).action, 'replace')
    assert.equal((await plan('DELETE')).action, 'delete')
  })

  it('is no part of a definition that is read and written back', async () => {
    await using daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
    await daemon.ask('PUT', '/servers/weather', { url: 'http://weather.example/mcp', health_check: 'none' })
    await daemon.ask('PUT', path, disabled)
    const { resource_version: _version, ...read } = (await daemon.ask('GET', '/servers/weather')).body
    const written = await daemon.ask<Server>('PUT', '/servers/weather', { ...read, tags: ['geo'] })
    assert.deepEqual([written.status, written.body.enabled], [200, false], written.text)
    await daemon.ask('DELETE', path)
    assert.equal((await show(daemon)).enabled, true)
  })
})
