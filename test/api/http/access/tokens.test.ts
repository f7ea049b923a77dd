import assert from 'node:assert/strict'
import { rmSync, unwatchFile, watchFile, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { openApi } from '../../../../src/api/api.ts'
import { Auth } from '../../../../src/api/config/auth.ts'
import { Cors } from '../../../../src/api/config/cors.ts'
import { Limits } from '../../../../src/api/config/limits.ts'
import { Listen } from '../../../../src/api/config/listen.ts'
import { createTokens } from '../../../../src/api/http/access/tokens.ts'
import { createLog } from '../../../../src/log.ts'
import { temporary, until } from '../../../e2e/daemon-process.ts'
import { startHere } from '../../../in-process-daemon.ts'
import { parts } from '../../served-api.ts'

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const rules = {
  auth: Auth.parse({}),
  cors: Cors.parse({}),
  limits: Limits.parse({}),
  listen: Listen.parse({ host: '127.0.0.1', port: 0 }),
}

describe('tokens in files', () => {
  it('are read again when they change, may be several per file, and are never logged', async () => {
    using folder = temporary()
    const file = folder.at('token')
    writeFileSync(file, 'canary-one\n')
    const auth = Auth.parse({ tokens: [{ name: 'ops', token_file: file, role: 'admin' }] })
    let lines = ''
    const log = createLog({ destination: { write: (line) => void (lines += line) } })
    await using api = await openApi({ rules: { ...rules, auth }, ports: parts(), log, tokenFilesMs: 20 })
    const reload = async (token: string) =>
      (await fetch(`${api.url}/-/reload`, { method: 'POST', headers: bearer(token) })).status

    assert.deepEqual([await reload('canary-one'), await reload('canary-two')], [200, 401])
    writeFileSync(file, 'canary-one\ncanary-two\n')
    await until(async () => (await reload('canary-two')) === 200)
    assert.equal(await reload('canary-one'), 200)
    writeFileSync(file, 'canary-two\nno token at all\n')
    await until(async () => (await reload('canary-one')) === 401)
    assert.equal(await reload('canary-two'), 200)
    assert.doesNotMatch(lines, /canary|no token at all/)
  })

  it('grant nothing while the file is unreadable, and do not make the daemon anonymous', async () => {
    using folder = temporary()
    const file = folder.at('token')
    const auth = Auth.parse({ tokens: [{ name: 'ops', token_file: file, role: 'admin' }] })
    const log = createLog({ level: 'silent' })
    await using api = await openApi({ rules: { ...rules, auth }, ports: parts(), log, tokenFilesMs: 20 })
    const reload = async (headers: Record<string, string> = {}) =>
      (await fetch(`${api.url}/-/reload`, { method: 'POST', headers })).status

    assert.deepEqual([await reload(), await reload(bearer('late'))], [403, 401])
    writeFileSync(file, 'late')
    await until(async () => (await reload(bearer('late'))) === 200)
    rmSync(file)
    await until(async () => (await reload(bearer('late'))) === 401)
    assert.equal(await reload(), 403)
  })

  it('are seen when they change right after the first read', async () => {
    using folder = temporary()
    const file = folder.at('token')
    writeFileSync(file, 'the-first-token')
    const changed = Promise.withResolvers<void>()
    const log = createLog({ destination: { write: () => {} } })
    const tokens = createTokens({ log, onChange: changed.resolve, everyMs: 20 })
    tokens.follow(Auth.parse({ tokens: [{ name: 'ops', token_file: file, role: 'admin' }] }))
    writeFileSync(file, 'the-second-token')

    await changed.promise
    tokens.close()
    assert.deepEqual(
      tokens.grants().map(({ token }) => token),
      ['the-second-token'],
    )
  })

  it('are logged as missing once, and are not read any more after a failed start', async () => {
    using folder = temporary()
    const file = folder.at('token')
    const auth = Auth.parse({ tokens: [{ name: 'ops', token_file: file, role: 'admin' }] })
    const lines: string[] = []
    const log = createLog({ destination: { write: (line) => void lines.push(line) } })
    await using other = await openApi({ rules, ports: parts(), log })
    const listen = { ...rules.listen, port: other.port }

    await assert.rejects(openApi({ rules: { ...rules, auth, listen }, ports: parts(), log, tokenFilesMs: 20 }))
    const [missed, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    watchFile(file, { interval: 20 }, ({ size }) => (size > 0 ? seen : missed).resolve())
    // `watchFile` reports no file that exists at its first look: write it after that.
    await missed.promise
    writeFileSync(file, 'late')
    await seen.promise
    unwatchFile(file)

    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
      ['token file could not be read, it grants nothing'],
    )
  })

  it('are found beside the config file, and change with a reload', async () => {
    await using daemon = await startHere(memory)
    writeFileSync(daemon.folder.at('bot.token'), 'robot')
    const grant = (more: string) => `${memory}auth: { tokens: [{ name: bot, role: registrar, ${more} }] }\n`
    const register = async (headers: Record<string, string>) =>
      (await daemon.ask('POST', '/agents', { id: 'owl' }, headers)).status

    await daemon.reload(grant('token_file: bot.token'))
    assert.deepEqual([await register(bearer('robot')), await register({})], [200, 403])
    await daemon.reload(grant('token: other'))
    assert.deepEqual([await register(bearer('robot')), await register(bearer('other'))], [401, 200])
    assert.deepEqual(await daemon.reload(grant('secrets: true')), { applied: false, reason: await reasonOf(daemon) })
  })
})

async function reasonOf({ lines }: { lines: readonly Record<string, unknown>[] }): Promise<string> {
  const { err } = lines.findLast(({ level }) => level === 'error') as { err: { message: string } }
  assert.match(err.message, /tokens\[0\]\.token.*either "token" or "token_file"/)
  return err.message
}

describe('quotas', () => {
  it('limit a token to its rate, with Retry-After', async () => {
    const tokens =
      '[{ name: slow, token: slow, role: reader, rate: { requests_per_second: 0.01, burst: 2 } }, { name: fast, token: fast }]'
    await using daemon = await startHere(`${memory}auth: { tokens: ${tokens} }\n`)
    const ask = async (token: string, path = '/servers') => await daemon.get(path, { headers: bearer(token) })

    const statuses = [await ask('slow'), await ask('slow'), await ask('slow')].map(({ status }) => status)
    const refused = await ask('slow')

    assert.deepEqual(statuses, [200, 200, 429])
    assert.ok(Number(refused.headers.get('retry-after')) > 90)
    assert.equal((await ask('slow', '/readyz')).status, 200)
    assert.equal((await ask('fast')).status, 200)
    await daemon.reload(`${memory}limits: { rate: { requests_per_second: 0.01 } }\n`)
    assert.deepEqual([(await daemon.get('/servers')).status, (await daemon.get('/servers')).status], [200, 429])
  })

  it('limit a token to its number of agents', async () => {
    await using daemon = await startHere(
      `${memory}auth: { tokens: [{ name: bot, token: robot, role: registrar, max_agents: 1 }] }\n`,
    )
    const register = (id: string) => daemon.ask<{ detail: string }>('POST', '/agents', { id }, bearer('robot'))

    const [first, again, second] = [await register('owl'), await register('owl'), await register('fox')]
    await daemon.ask('DELETE', '/agents/owl', undefined, bearer('robot'))

    assert.deepEqual([first.status, again.status, second.status], [200, 200, 429])
    assert.match(second.body.detail, /Agent limit of this token \(1\) reached/)
    assert.equal((await register('fox')).status, 200)
  })

  it('limit a token to its number of agents when all register at once', async () => {
    await using daemon = await startHere(
      'auth: { tokens: [{ name: bot, token: robot, role: registrar, max_agents: 2 }] }\n',
    )
    const ids = ['owl', 'owl', 'fox', 'fox', 'elk', 'bee', 'ant', 'cat']

    const answers = await Promise.all(ids.map((id) => daemon.ask('POST', '/agents', { id }, bearer('robot'))))

    assert.equal((await daemon.ask<{ count: number }>('GET', '/agents')).body.count, 2)
    assert.equal(answers.filter(({ status }) => status === 200).length, 4)
  })
})
