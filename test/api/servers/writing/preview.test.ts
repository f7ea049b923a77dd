import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startMcp } from '../../../client/connect/mcp-servers.ts'
import { temporary } from '../../../e2e/daemon-process.ts'
import { startHere } from '../../../in-process-daemon.ts'
import { freePort } from '../../../programs.ts'

type Found = { ok: boolean; reason: string; tools?: number; server_name?: string; suggested_name?: string }
type Preview = {
  dry_run: boolean
  taken: {
    action: string
    where?: string
    ignored?: string[]
    server: Record<string, unknown>
    probe?: Found & Record<string, unknown>
  }[]
  refused: { name?: string; where?: string; reason: string; code: string; probe?: Found }[]
  left_off?: number
  code?: string
  detail?: string
}

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const claude = `{
  "mcpServers": {
    "weather": { "url": "http://weather.example/mcp", "headers": { "Authorization": "Bearer hunter2-hunter2" } },
    "tool": { "command": "npx", "args": ["-y", "tool"] },
    "broken": { "url": "ftp://hunter2-hunter2@old.example" },
    "odd": 7
  }
}`
const code =
  '{ // VS Code\n "servers": { "weather": { "type": "http", "url": "http://weather.example/mcp" } }, "inputs": [] }'
const ours = 'servers:\n  - name: weather\n    url: http://weather.example/mcp\n    tags: [geo]\n'

describe('POST /servers/preview', () => {
  it('says which entries of a document would be taken and why others would not, and changes nothing', async () => {
    await using daemon = await startHere(memory)
    const preview = (text: string) => daemon.ask<Preview>('POST', '/servers/preview', text)

    const { status, body, text } = await preview(claude)
    assert.deepEqual([status, body.dry_run], [200, true], text)
    const [{ action, where, server } = { server: {} as never }] = body.taken
    assert.deepEqual([body.taken.length, action, server['id']], [1, 'create', 'default/weather'])
    assert.match(where ?? '', /line 3, mcpServers\.weather/)
    assert.deepEqual(
      body.refused.map(({ name, where }) => [name, where]),
      [
        ['tool', 'line 4, mcpServers.tool'],
        ['broken', 'line 5, mcpServers.broken'],
        ['odd', 'line 6, mcpServers.odd'],
      ],
    )
    assert.match(body.refused.map(({ reason }) => reason).join('\n'), /allow_stdio.*\n.*url: .*\n.*must be a map/)
    assert.doesNotMatch(text, /hunter2/)
    assert.equal((await daemon.ask('GET', '/servers/weather')).status, 404)

    await daemon.ask('POST', '/servers', { name: 'weather', url: 'http://weather.example/mcp' })
    assert.equal((await preview(code)).body.taken[0]?.action, 'none')
    assert.equal((await preview(ours)).body.taken[0]?.action, 'replace')
    const twice = await preview(`${ours}  - name: weather\n    url: http://other.example/mcp\n`)
    assert.match(twice.body.refused[0]?.reason ?? '', /more than once/)
  })

  it('names the code of each refusal, and the fields that would not be kept', async () => {
    await using daemon = await startHere(memory)
    const text = JSON.stringify({
      mcpServers: {
        cursor: { url: 'http://a.example/mcp', autoApprove: ['x'], tols: 1, disabled: true },
        tool: { command: 'npx' },
        broken: { url: 'ftp://b.example' },
      },
    })
    const { taken, refused } = (await daemon.ask<Preview>('POST', '/servers/preview', text)).body

    assert.deepEqual([taken[0]?.ignored, taken[0]?.server['enabled']], [['autoApprove', 'tols'], false])
    assert.deepEqual(
      refused.map(({ name, code }) => [name, code]),
      [
        ['tool', 'stdio_forbidden'],
        ['broken', 'invalid_definition'],
      ],
    )
  })

  it('probes the URLs before anything is stored, with the headers of the document, and suggests a free name', async () => {
    await using mcp = await startMcp({ name: 'weather' })
    await using other = await startMcp()
    await using daemon = await startHere(`${memory}health: { allow: [127.0.0.1/32] }\n`)
    await daemon.ask('POST', '/servers', { name: 'weather', url: 'http://127.0.0.1:9/mcp', health_check: 'none' })
    const closed = `http://127.0.0.1:${await freePort()}/mcp`
    const text = JSON.stringify({
      mcpServers: {
        found: { url: mcp.url, headers: { 'X-Key': 'canary-secret' } },
        closed: { url: closed },
        metadata: { url: 'http://169.254.169.254/mcp' },
        local: { url: 'http://127.0.0.2/mcp' },
        off: { url: other.url, disabled: true },
        tool: { command: 'npx' },
      },
    })

    const plain = await daemon.ask<Preview>('POST', '/servers/preview?probe=false', text)
    const { body, text: answer } = await daemon.ask<Preview>('POST', '/api/v1/servers/preview?probe=true', text)

    assert.deepEqual(
      plain.body.taken.map(({ probe }) => probe),
      Array(5).fill(undefined),
    )
    const probes = Object.fromEntries(body.taken.map(({ server, probe }) => [String(server['name']), probe]))
    const { response_time_ms: ms, ...found } = probes['found']!
    assert.ok(Number(ms) > 0)
    assert.deepEqual(found, {
      ok: true,
      reason: 'ok',
      protocol_version: '2026-07-28',
      server_name: 'weather',
      version: '1.0.0',
      tools: 1,
      suggested_name: 'weather-2',
    })
    assert.deepEqual(
      ['closed', 'metadata', 'local'].map((name) => [probes[name]?.ok, probes[name]?.reason]),
      [
        [false, 'refused'],
        [false, 'blocked'],
        [false, 'blocked'],
      ],
    )
    assert.equal(probes['off'], undefined)
    assert.equal(mcp.headers.at(-1)?.['x-key'], 'canary-secret')
    assert.equal(other.methods.length, 0)
    assert.doesNotMatch(answer, /canary/)
    assert.ok(daemon.lines.some(({ audit, msg }) => audit && msg === 'probe of unlisted servers requested'))
    const { servers } = (await daemon.ask<{ servers: { name: string }[] }>('GET', '/servers')).body
    assert.deepEqual(
      servers.map(({ name }) => name),
      ['weather'],
    )
  })

  it('probes a URL whose name is taken, at most ten, and not for a reader or without a clear word', async () => {
    await using mcp = await startMcp()
    using folder = temporary()
    writeFileSync(folder.at('servers.json'), JSON.stringify({ servers: { taken: { url: 'http://a.example/mcp' } } }))
    await using daemon = await startHere(
      `sources: [{ type: file, paths: [${folder.at('servers.json')}] }, { type: agents }]\nhealth: { enabled: false, allow: [127.0.0.1/32] }\nauth: { tokens: [{ name: reader, token: read-only-token-0001, role: reader }, { name: ops, token: admin-token-of-all-01, role: admin }] }\n`,
    )
    const ask = (query: string, names: readonly string[], token = 'admin-token-of-all-01') =>
      daemon.ask<Preview>(
        'POST',
        `/servers/preview?${query}`,
        JSON.stringify({ servers: names.map((name) => ({ name, url: mcp.url })) }),
        { authorization: `Bearer ${token}` },
      )

    const [refused] = (await ask('probe', ['taken'])).body.refused
    assert.deepEqual([refused?.code, refused?.probe?.ok], ['server_owned_by_source', true])
    const many = Array.from({ length: 12 }, (_, at) => `s-${at}`)
    const { taken } = (await ask('probe=true', many)).body
    assert.equal(taken.filter(({ probe }) => probe).length, 10)
    const asked = mcp.methods.length
    assert.equal((await ask('probe=true', many, 'read-only-token-0001')).status, 403)
    assert.equal((await ask('probe=perhaps', many)).body.code, 'invalid_parameter')
    assert.equal(mcp.methods.length, asked)
  })

  it('is bounded, and needs the role and the namespaces of a write', async () => {
    const auth =
      'auth: { tokens: [{ name: reader, token: read-only-token-0001, role: reader }, { name: ops, token: admin-token-of-a-0001, role: admin, namespaces: [team-a] }] }\n'
    await using daemon = await startHere(memory + auth)
    const preview = (text: string, token = 'admin-token-of-a-0001') =>
      daemon.ask<Preview>('POST', '/servers/preview', text, { authorization: `Bearer ${token}` })

    assert.equal((await preview(ours, 'read-only-token-0001')).status, 403)
    const { taken, refused } = (await preview(ours)).body
    assert.deepEqual([taken.length, refused[0]?.name], [0, 'weather'])
    const garbage = await preview('{"mcpServers": {')
    assert.deepEqual([garbage.status, garbage.body.code], [400, 'invalid_document'])
    assert.equal((await preview('')).body.code, 'invalid_document')
    assert.equal((await preview('x'.repeat(300_000))).status, 413)
    const many = Object.fromEntries(Array.from({ length: 1200 }, (_, at) => [`s-${at}`, { url: 'http://s.example' }]))
    const { body } = await preview(JSON.stringify({ mcpServers: many }))
    assert.deepEqual([body.refused.length, body.left_off], [1000, 200])
  })
})
