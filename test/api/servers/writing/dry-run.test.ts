import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../../in-process-daemon.ts'

type DryRun = { dry_run: boolean; action: string; server: Record<string, unknown> }
type ProblemBody = { code: string; detail: string }

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const weather = { name: 'weather', url: 'http://weather.example/mcp', health_check: 'none' }
const locked =
  'auth: { tokens: [{ name: reader, token: read-only-token-0001, role: reader }, { name: ops, token: admin-token-of-a-0001, role: admin, namespaces: [team-a] }] }\n'

describe('a dry run of a write', () => {
  it('says what each write would do, redacted, and changes and audits nothing', async () => {
    await using daemon = await startHere(memory)
    const token = async () => (await daemon.ask('GET', '/servers')).body['resource_version']
    const plan = async (method: string, path: string, body?: unknown) => {
      const before = await token()
      const { status, body: answer } = await daemon.ask<DryRun>(method, `${path}?dry_run=true`, body)
      assert.equal(await token(), before)
      assert.deepEqual([status, answer.dry_run], [200, true])
      return answer
    }
    const secret = { ...weather, headers: { authorization: 'Bearer hunter2-hunter2' } }

    const created = await plan('POST', '/servers', secret)
    assert.deepEqual([created.action, created.server['id']], ['create', 'default/weather'])
    assert.doesNotMatch(JSON.stringify(created), /hunter2/)
    assert.equal((await daemon.ask('GET', '/servers/weather')).status, 404)
    assert.equal((await plan('PUT', '/servers/weather', weather)).action, 'create')
    assert.equal((await daemon.ask('GET', '/servers/weather')).status, 404)

    await daemon.ask('POST', '/servers', weather)
    const audits = () => daemon.lines.filter(({ audit }) => audit).length
    const audited = audits()
    const patched = await plan('PATCH', '/servers/weather', { tags: ['geo'] })
    assert.deepEqual([patched.action, patched.server['tags']], ['replace', ['geo']])
    assert.equal((await plan('PUT', '/servers/weather', weather)).action, 'none')
    assert.equal((await plan('DELETE', '/servers/weather')).action, 'delete')
    const kept = await daemon.ask('GET', '/servers/weather')
    assert.deepEqual([kept.status, kept.body['tags'], audits()], [200, [], audited])
    assert.equal((await daemon.ask('DELETE', '/servers/weather?dry_run=false')).status, 204)
  })

  it('is refused by each write that cannot do it, which then does nothing; an agent stays where its removal is rehearsed', async () => {
    await using daemon = await startHere(memory)
    await daemon.ask('POST', '/agents/register', { agent_id: 'scout', agent_type: 'mcp_agent', name: 'scout' })
    await daemon.ask('POST', '/servers', weather)
    for (const [method, path] of [
      ['POST', '/agents/register'],
      ['POST', '/sources/agents/refresh'],
      ['POST', '/servers/weather/probe'],
    ] as const) {
      const { status, body } = await daemon.ask<ProblemBody>(method, `${path}?a=b&dry_run=true`)
      assert.deepEqual([status, body.code], [400, 'invalid_parameter'], `${method} ${path}`)
    }
    for (const [at, action] of [
      ['/agents/scout', 'delete'],
      ['/api/v1/agents/scout', 'delete'],
      ['/agents/absent', 'none'],
    ] as const) {
      const { status, body } = await daemon.ask<DryRun>('DELETE', `${at}?dry_run=true`)
      assert.deepEqual([status, body.dry_run, body.action], [200, true, action])
    }
    const stale = await daemon.ask<ProblemBody>('DELETE', '/agents/scout?dry_run=true', undefined, {
      'if-match': '"0-0"',
    })
    assert.equal(stale.status, 409)
    assert.ok(!daemon.lines.some(({ msg }) => msg === 'agent unregistered'))
    assert.equal((await daemon.ask('DELETE', '/agents/scout?dry_run=maybe')).status, 400)
    assert.equal((await daemon.ask('GET', '/agents/scout')).status, 200)
    assert.equal((await daemon.ask('POST', '/servers/weather/probe?dry_run=false')).status, 200)
  })

  it('gives the problem that the write itself would give', async () => {
    await using daemon = await startHere(memory)
    await daemon.ask('POST', '/servers', weather)
    const stale = { 'if-match': '"0-0"' }
    const tooLong = { url: 'http://x.example/mcp', metadata: { text: 'x'.repeat(300_000) } }
    const writes: [string, string, unknown?, Record<string, string>?][] = [
      ['POST', '/servers', weather],
      ['POST', '/servers', { name: 'bad', url: 'ftp://bad' }],
      ['POST', '/servers', { name: 'run', command: 'rm' }],
      ['POST', '/servers', '{'],
      ['PUT', '/servers/big', tooLong],
      ['PUT', '/servers/weather', { url: 'http://other.example' }, stale],
      ['PATCH', '/servers/weather', { tags: 7 }],
      ['PATCH', '/servers/absent', { tags: [] }],
      ['DELETE', '/servers/absent'],
      ['DELETE', '/servers/weather', undefined, stale],
    ]
    for (const [method, path, body, headers] of writes) {
      const dry = await daemon.ask<ProblemBody>(method, `${path}?dry_run=1`, body, headers)
      const real = await daemon.ask<ProblemBody>(method, path, body, headers)
      assert.ok(real.status >= 400, `${method} ${path}: ${real.text}`)
      assert.deepEqual([dry.status, dry.body.code, dry.body.detail], [real.status, real.body.code, real.body.detail])
    }
  })

  it('needs the role and namespace of a write, and a clear value', async () => {
    await using daemon = await startHere(memory + locked)
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    const ask = (token: string, query: string) =>
      daemon.ask<ProblemBody>('POST', `/servers?${query}`, weather, bearer(token))

    assert.equal((await ask('read-only-token-0001', 'dry_run=true')).status, 403)
    assert.equal((await ask('admin-token-of-a-0001', 'dry_run=true')).status, 403)
    for (const query of ['dry_run=maybe', 'dry_run=true&dry_run=false', 'dryrun=true']) {
      const { status, body } = await ask('admin-token-of-a-0001', query)
      assert.deepEqual([status, body.code], [400, 'invalid_parameter'])
    }
  })
})
