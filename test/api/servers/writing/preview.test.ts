import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../../in-process-daemon.ts'

type Preview = {
  dry_run: boolean
  taken: { action: string; where?: string; server: Record<string, unknown> }[]
  refused: { name?: string; where?: string; reason: string }[]
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
