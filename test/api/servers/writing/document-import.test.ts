import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../../in-process-daemon.ts'

type Import = {
  written: { id: string; action: string }[]
  refused: { name?: string; where?: string; reason: string; code: string }[]
  taken?: object[]
  code?: string
  detail?: string
}
type Server = { name: string; url: string; tags: string[]; health_check: string }

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\nhealth: { enabled: false }\n'
const document = JSON.stringify({
  mcpServers: {
    weather: { url: 'http://weather.example/mcp', headers: { authorization: 'Bearer canary-secret' } },
    maps: { url: 'http://maps.example/mcp' },
    same: { url: 'http://same.example/mcp' },
    tool: { command: 'npx', env: { KEY: 'canary-secret' } },
  },
})

describe('POST /servers/import', () => {
  it('writes the chosen servers of a document, each for itself, and audits them', async () => {
    await using daemon = await startHere(memory)
    await daemon.ask('POST', '/servers', { name: 'maps', url: 'http://old.example/mcp' })
    await daemon.ask('POST', '/servers', { name: 'same', url: 'http://same.example/mcp' })
    const send = (query: string, servers?: readonly string[]) =>
      daemon.ask<Import>('POST', `/servers/import${query}`, { document, ...(servers && { servers }) })
    const urls = async () =>
      (await daemon.ask<{ servers: Server[] }>('GET', '/servers')).body.servers.map(({ url }) => new URL(url).hostname)

    const planned = await send('?dry_run=true', ['default/weather'])
    assert.deepEqual([planned.status, planned.body.taken?.length, (await urls()).length], [200, 1, 2])

    const chosen = await send('', ['default/weather', 'default/tool', 'default/absent'])
    assert.equal(chosen.status, 200)
    assert.deepEqual(chosen.body.written, [{ id: 'default/weather', action: 'create' }])
    assert.deepEqual(
      chosen.body.refused.map(({ name, code }) => [name, code]),
      [
        ['default/tool', 'server_not_found'],
        ['default/absent', 'server_not_found'],
      ],
    )
    const all = await send('')
    assert.deepEqual(
      all.body.written.map(({ action }) => action),
      ['none', 'replace', 'none'],
    )
    assert.deepEqual(
      all.body.refused.map(({ name, where, code }) => [name, where, code]),
      [['tool', 'mcpServers.tool', 'stdio_forbidden']],
    )
    assert.deepEqual((await urls()).toSorted(), ['maps.example', 'same.example', 'weather.example'])
    assert.doesNotMatch(planned.text + chosen.text + all.text, /canary/)
    const audited = daemon.lines.filter(({ audit }) => audit).map(({ server, msg }) => [server, msg])
    assert.deepEqual(audited.slice(2), [
      ['default/weather', 'manual server created'],
      ['default/maps', 'manual server replaced'],
    ])
  })

  it('is bounded, and needs the role, the namespace and a clear body', async () => {
    const auth =
      'auth: { tokens: [{ name: reader, token: read-only-token-0001, role: reader }, { name: ops, token: admin-token-of-a-0001, role: admin, namespaces: [team-a] }] }\n'
    await using daemon = await startHere(memory + auth)
    const send = async (body: unknown, token = 'admin-token-of-a-0001') => {
      const answer = await daemon.ask<Import>('POST', '/servers/import', body, { authorization: `Bearer ${token}` })
      return answer.body.code ?? answer.body.refused.map(({ code }) => code).join(' ')
    }

    assert.equal(await send({ document }, 'read-only-token-0001'), 'role_required')
    assert.equal(
      await send({ document }),
      'namespace_forbidden namespace_forbidden namespace_forbidden stdio_forbidden',
    )
    assert.equal(await send({ document: '{' }), 'invalid_document')
    assert.equal(await send({ document: 'x'.repeat(300_000) }), 'invalid_document')
    assert.equal(await send({ document: 'x'.repeat(1_100_000) }), 'body_too_large')
    for (const body of [{}, { document: 7 }, { document, servers: 'all' }, { document, more: 1 }, []])
      assert.equal(await send(body), 'invalid_import')
    assert.equal((await daemon.ask<{ count: number }>('GET', '/servers')).body.count, 0)
  })
})
