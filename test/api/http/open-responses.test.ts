import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { temporary, until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'

type Daemon = Awaited<ReturnType<typeof startHere>>

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const watching = '{ name: dashboard, token: watching-token }'
const other = '{ name: other, token: other-token }'
const authorization = 'Bearer watching-token'

const configOf = (tokens: readonly string[], anonymous = 'none') =>
  `${memory}auth: { anonymous: ${anonymous}, tokens: [${tokens.join(', ')}] }\n`

/** Resolves once the response has ended, well or not. */
async function ended(response: Promise<Response>): Promise<'ended'> {
  await response.then((one) => one.text()).catch(() => '')
  return 'ended'
}

/** The request by which an MCP client subscribes. */
async function subscription({ url }: Daemon): Promise<RequestInit> {
  const sent: RequestInit[] = []
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  const record = (target: string | URL, init: RequestInit = {}) => {
    sent.push(init)
    return fetch(target, init)
  }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
      requestInit: { headers: { authorization } },
      fetch: record,
    }),
  )
  await (await client.listen({ resourcesListChanged: true })).close()
  await client.close()
  const {
    method = 'POST',
    headers = {},
    body,
  } = sent.find((init) => typeof init.body === 'string' && init.body.includes('subscriptions/listen')) ?? {}
  return { method, headers, body: body ?? null }
}

/** Opens every kind of response that lasts, and waits until the daemon counts it; each resolves once it has ended. */
async function openAll(daemon: Daemon, headers: Record<string, string>): Promise<Promise<'ended'>[]> {
  const get = async (path: string) => (await daemon.ask<Record<string, string>>('GET', path, undefined, headers)).body
  const index = encodeURIComponent((await get('/servers'))['resource_version'] ?? '')
  const after = (await get('/events'))['last_id']
  const streams = await Promise.all(
    ['/servers/watch', '/servers?watch=true', '/agents?watch=true'].map((path) => daemon.get(path, { headers })),
  )
  const polls = [`/servers?index=${index}&wait=60s`, `/events?wait=60s&after=${after}`].map((path) =>
    daemon.get(path, { headers }),
  )
  await until(async () => /^roster_watchers 5$/m.test(await (await daemon.get('/metrics', { headers })).text()))
  return [...streams.map((response) => ended(Promise.resolve(response))), ...polls.map(ended)]
}

describe('open watches', () => {
  const changes: readonly [string, string][] = [
    ['is revoked', configOf([other])],
    ['is replaced', configOf(['{ name: dashboard, token: new-token }', other])],
  ]
  for (const [name, config] of changes) {
    it(`end within a second once their token ${name}`, async () => {
      await using daemon = await startHere(configOf([watching, other]))
      const streams = await openAll(daemon, { authorization })
      streams.push(ended(Promise.resolve(await fetch(`${daemon.url}/mcp`, await subscription(daemon)))))
      const others = { authorization: 'Bearer other-token' }
      const kept = ended(Promise.resolve(await daemon.get('/servers/watch', { headers: others })))

      await daemon.reload(config)

      const late = wait(1000, 'late')
      assert.deepEqual(
        await Promise.all(streams.map((stream) => Promise.race([stream, late]))),
        streams.map(() => 'ended'),
      )
      assert.equal(await Promise.race([kept, Promise.resolve('open')]), 'open')
    })
  }

  it('end within a second once callers without a token may no longer read', async () => {
    await using daemon = await startHere(configOf([other], 'reader'))
    const streams = await openAll(daemon, {})

    await daemon.reload(configOf([other], 'none'))

    const late = wait(1000, 'late')
    for (const stream of streams) assert.equal(await Promise.race([stream, late]), 'ended')
  })

  it('end once the file of their token is gone, and go on while a token only gains rights', async () => {
    using folder = temporary()
    const file = folder.at('token')
    writeFileSync(file, 'watching-token\n')
    const grant = `{ name: dashboard, token_file: '${file}' }`
    await using daemon = await startHere(configOf([grant, other]))
    const stream = ended(Promise.resolve(await daemon.get('/servers/watch', { headers: { authorization } })))
    await daemon.reload(configOf([grant.replace(' }', ', role: admin, secrets: true }'), other]))
    await daemon.get('/servers', { headers: { authorization } })
    assert.equal(await Promise.race([stream, Promise.resolve('open')]), 'open')

    rmSync(file)

    assert.equal(await Promise.race([stream, wait(2000, 'late')]), 'ended')
  })
})
