import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { connectRoster } from '../../../src/client/index.ts'
import { temporary } from '../../e2e/daemon-process.ts'
import { startModernServer } from '../../health/probes/probed-servers.ts'
import { startHere } from '../../in-process-daemon.ts'

const publicFor = (ttlMs: number) => ({ cacheHints: { 'server/discover': { cacheScope: 'public' as const, ttlMs } } })

/** A daemon that has probed these servers. */
async function probed(servers: Readonly<Record<string, object>>) {
  const folder = temporary()
  writeFileSync(folder.at('servers.yaml'), JSON.stringify({ servers }))
  const daemon = await startHere(`sources: [{ type: file, paths: [${folder.path}/servers.yaml] }]`)
  for (const name of Object.keys(servers)) await daemon.ask('POST', `/servers/default/${name}/probe`)
  return {
    ...daemon,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

describe('GET /servers/{namespace}/{name}/discover', () => {
  it('gives a client what connects it without a request', async (t) => {
    const build: Parameters<typeof startModernServer>[1] = (server) => {
      server.registerTool('add', { description: 'adds' }, () => ({ content: [] }))
    }
    const { url, methods } = await startModernServer(t, build, publicFor(3_600_000))
    await using daemon = await probed({ weather: { url } })
    const asked = methods.length

    const { status, headers, body } = await daemon.ask('GET', '/servers/default/weather/discover')
    const prior = await connectRoster({ url: daemon.url }).discovery('weather')
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    assert.ok(prior)
    await client.connect(new StreamableHTTPClientTransport(new URL(url)), { prior: prior as never })

    assert.equal(status, 200)
    assert.deepEqual(body, prior)
    assert.equal(methods.length, asked, 'the connection sent no request')
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      ['add'],
    )
    assert.equal(headers.get('cache-control'), 'private, max-age=3600')
    assert.ok(Number(headers.get('age')) < 60)
    assert.ok(Date.parse(prior.expires_at) > Date.now())
    await client.close()
  })

  it('is a 404 where no probe saw a public one, or its time is over', async (t) => {
    const [own, brief] = [await startModernServer(t), await startModernServer(t, () => undefined, publicFor(1))]
    await using daemon = await probed({ own: { url: own.url }, brief: { url: brief.url }, command: { command: 'npx' } })

    for (const name of ['own', 'brief', 'command']) {
      const { status, body } = await daemon.ask('GET', `/servers/default/${name}/discover`)
      assert.deepEqual([status, body['code']], [404, 'discovery_not_found'], name)
    }
    const unknown = await daemon.ask('GET', '/servers/default/none/discover')
    assert.deepEqual([unknown.status, unknown.body['code']], [404, 'server_not_found'])
    assert.equal(await connectRoster({ url: daemon.url }).discovery('own'), undefined)
  })

  it('a server is found by the prompts and resources that probes saw', async (t) => {
    const { url } = await startModernServer(t, (server) => {
      server.registerPrompt('ask', {}, () => ({ messages: [] }))
      server.registerResource('sums', 'file:///sums', {}, () => ({ contents: [] }))
    })
    await using daemon = await probed({ weather: { url, capabilities: ['ask'] } })
    const totalOf = async (query: string) =>
      (await daemon.ask<{ total: number }>('GET', `/servers?${query}`)).body.total

    assert.deepEqual(
      [await totalOf('prompt=ask'), await totalOf('resource=file:///sums'), await totalOf('resource=ask')],
      [1, 1, 0],
    )
  })
})
