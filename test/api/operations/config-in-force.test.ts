import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'

type Shown = {
  readonly file: string
  readonly settings: readonly { readonly path: string; readonly value: unknown; readonly origin: string }[]
  readonly needs_restart: readonly string[]
  readonly last_reload: { readonly applied: boolean; readonly reason?: string }
}

const secret = 'admin-0123456789abcdef'
const auth = `auth: { anonymous: reader, tokens: [
  { name: a, token: ${secret}, role: admin },
  { name: r, token: registrar-0123456789abcdef, role: registrar, namespaces: [team-a], call: true } ] }\n`
const asAdmin = { authorization: `Bearer ${secret}` }

describe('a dry run of a reload', () => {
  it('says what it would change and what waits for a restart, and applies and audits nothing', async () => {
    const env: Record<string, string> = { AUTH_TOKEN: 'first-0123456789abcdef' }
    await using daemon = await startHere(auth, { env })
    const shown = async () => (await daemon.ask<Shown>('GET', '/config', undefined, asAdmin)).body
    const before = await shown()
    // Not the file: the daemon applies its changes by itself.
    Object.assign(env, {
      AUTH_TOKEN: 'other-0123456789abcdef',
      MCP_ROSTER_LIMITS_MAX_CONNECTIONS: '77',
      MCP_ROSTER_LIMITS_MAX_URL_LENGTH: '9000',
    })

    const { status, body, text } = await daemon.ask('POST', '/-/reload?dry_run=true', undefined, asAdmin)

    assert.equal(status, 200)
    assert.deepEqual(body, {
      dry_run: true,
      file: daemon.folder.at('config.yaml'),
      warnings: [],
      changed: [
        { path: 'limits.max_url_length', before: 8192, after: 9000 },
        { path: 'limits.max_connections', before: 20_000, after: 77 },
        { path: 'auth.token', before: '<redacted>', after: '<redacted>' },
      ],
      sources: { added: [], changed: [], removed: [] },
      needs_restart: ['limits.max_connections'],
    })
    assert.ok(!text.includes('0123456789abcdef'))
    assert.deepEqual(await shown(), before)
    assert.ok(!daemon.lines.some(({ audit }) => audit))
  })

  it('gives the problem of an invalid config, and needs the role of a reload', async () => {
    await using daemon = await startHere(auth)
    await daemon.reload(`${auth}limits: { max_url_length: many }\n`)
    const check = (token: string) =>
      daemon.ask('POST', '/-/reload?dry_run=true', undefined, { authorization: `Bearer ${token}` })

    const { status, body } = await check(secret)

    assert.deepEqual([status, body['code']], [422, 'config_invalid'])
    assert.match(String(body['detail']), /max_url_length: must be a number/)
    assert.equal((await check('registrar-0123456789abcdef')).body['code'], 'role_required')
  })
})

describe('GET /config', () => {
  it('shows each value with its origin, and no secret', async () => {
    await using daemon = await startHere(`${auth}limits: { max_url_length: 9000 }\n`, { env: { LOG_LEVEL: 'warn' } })

    const { status, body, text } = await daemon.ask<Shown>('GET', '/config', undefined, asAdmin)

    assert.equal(status, 200)
    assert.equal(body.file, daemon.folder.at('config.yaml'))
    const find = (path: string) => body.settings.find((one) => one.path === path)
    assert.equal(find('limits.max_url_length')?.value, 9000)
    assert.match(find('limits.max_url_length')?.origin ?? '', /config\.yaml:\d+/)
    assert.match(find('log.level')?.origin ?? '', /LOG_LEVEL/)
    assert.match(find('watch.max_watchers')?.origin ?? '', /default/)
    assert.ok(!text.includes('0123456789abcdef'))
  })

  it('says why the last reload was not taken, and what waits for a restart', async () => {
    await using daemon = await startHere(auth)

    await daemon.reload(`${auth}limits: { max_url_length: many }\n`)
    const broken = await daemon.ask<Shown>('GET', '/config', undefined, asAdmin)
    await daemon.reload(`${auth}limits: { max_connections: 77 }\n`)
    const mended = await daemon.ask<Shown>('GET', '/config', undefined, asAdmin)

    assert.equal(broken.body.last_reload.applied, false)
    assert.match(broken.body.last_reload.reason ?? '', /max_url_length: must be a number/)
    assert.deepEqual([mended.body.last_reload.applied, mended.body.needs_restart], [true, ['limits.max_connections']])
  })

  it('is for admins of all namespaces only', async () => {
    await using daemon = await startHere(auth)

    const anonymous = await daemon.ask('GET', '/config')
    assert.deepEqual([anonymous.status, anonymous.body['code']], [403, 'role_required'])
  })
})

describe('GET /me', () => {
  it('says what the token may', async () => {
    await using daemon = await startHere(`${auth}ui: { read_only: true }\n`)
    const ask = async (headers = {}) => (await daemon.ask('GET', '/me', undefined, headers)).body

    assert.deepEqual(await ask(), { name: 'anonymous', anonymous: true, role: 'reader', rights: [], read_only: true })
    const { name, role, rights } = await ask(asAdmin)
    assert.deepEqual([name, role, rights], ['a', 'admin', ['call']])
    assert.deepEqual(await ask({ authorization: 'Bearer registrar-0123456789abcdef' }), {
      name: 'r',
      anonymous: false,
      role: 'registrar',
      namespaces: ['team-a'],
      rights: ['call'],
      read_only: true,
    })
  })
})
