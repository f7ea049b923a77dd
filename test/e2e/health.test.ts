import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'
import { openHttp, openMcp } from './mcp.ts'

type One = {
  name: string
  status: string
  health: {
    since: string
    reason?: string
    response_time_ms?: number
    protocol_version?: string
    history?: { ok: boolean }[]
  }
  capabilities: { name: string; origin: string }[]
}
type DaemonHealth = { status: string; suspicion?: { failing: number; of: number; remedy: string } }

const one = async ({ json }: Running, name: string) => await json<One>(`/servers/${name}`)
const all = async ({ json }: Running) => (await json<{ servers: One[] }>('/servers')).servers

/** Every status of the server as the watch reports it, with its reason. */
async function* statesOf(daemon: Running, name: string): AsyncGenerator<string> {
  const response = await daemon.get(`/servers?watch=true&name=${name}`)
  let rest = ''
  let last = ''
  for await (const chunk of response.body ?? []) {
    const lines = (rest + Buffer.from(chunk as Uint8Array).toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines.filter(Boolean)) {
      const { server } = JSON.parse(line) as { server?: One }
      const state = server && `${server.status} ${server.health.reason ?? ''}`.trim()
      if (state !== undefined && state !== last) yield (last = state)
    }
  }
}

async function nextIs(states: AsyncGenerator<string>, wanted: string): Promise<void> {
  const { value } = (await states.next()) as { value: string }
  assert.equal(value, wanted)
}

/** A port that accepts connections and never answers. */
async function openBlackHole() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const quick = 'health: { interval: 1, timeout: 1 }\n'

function write(
  folder: ReturnType<typeof temporary>,
  servers: Record<string, unknown>,
  health = quick,
): readonly string[] {
  writeFileSync(folder.at('team.json'), JSON.stringify({ servers }))
  writeFileSync(folder.at('config.yaml'), `${health}sources:\n  - { type: file, paths: [${folder.at('team.json')}] }\n`)
  return ['--config', folder.at('config.yaml')]
}

describe('health', { concurrency: true }, () => {
  it(
    'names are looked up on more threads than Node has by itself',
    { skip: process.platform !== 'linux' && 'threads are listed in /proc only' },
    async () => {
      using folder = temporary()
      await using daemon = await start([], { home: folder.path })
      const tasks = `/proc/${daemon.child.pid}/task`
      const threads = readdirSync(tasks).filter((id) => readFileSync(`${tasks}/${id}/comm`, 'utf8').startsWith('libuv'))

      assert.equal(threads.length, 16)
    },
  )

  it('status follows a real MCP server: healthy, killed, refused, healthy after two successes', async () => {
    using folder = temporary()
    await using mcp = await openMcp()
    await using daemon = await start(write(folder, { weather: { url: mcp.url } }), { home: folder.path })
    const well = await until(async () => {
      const found = await one(daemon, 'weather')
      return found.status === 'healthy' && found.capabilities.length > 0 && found
    }, 30)
    assert.ok((well.health.response_time_ms ?? 0) > 0)
    assert.equal(well.health.protocol_version, '2026-07-28')
    assert.deepEqual(
      well.capabilities.map(({ name, origin }) => [name, origin]),
      [['forecast', 'introspected']],
    )

    const states = statesOf(daemon, 'weather')
    await nextIs(states, 'healthy ok')
    await mcp.close()
    await nextIs(states, 'degraded refused')
    await nextIs(states, 'unhealthy refused')
    const failures = (await one(daemon, 'weather')).health.history?.slice(-3) ?? []
    assert.deepEqual(
      failures.map(({ ok }) => ok),
      [false, false, false],
    )
    await using back = await openMcp(mcp.port)
    await nextIs(states, 'healthy ok')
    assert.deepEqual(
      (await one(daemon, 'weather')).health.history?.slice(-3).map(({ ok }) => ok),
      [false, true, true],
    )
    assert.equal(back.port, mcp.port)
    await states.return(undefined)
  })

  it('reasons distinguish auth_required, not_mcp, timeout and refused, and no target delays another', async () => {
    using folder = temporary()
    await using black = await openBlackHole()
    await using mcp = await openMcp()
    await using guarded = await openHttp((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
    )
    await using page = await openHttp((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello'),
    )
    await using endless = await openHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 5)
      response.once('close', () => clearInterval(timer))
    })
    const args = write(folder, {
      ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`black${n}`, { url: `${black.url}?n=${n}` }])),
      weather: { url: mcp.url },
      guarded: { url: guarded.url },
      page: { url: page.url },
      endless: { url: endless.url },
      gone: { url: 'http://127.0.0.1:1/mcp' },
      metadata: { url: 'http://169.254.169.254/latest' },
    })
    await using daemon = await start(args, { home: folder.path })
    await until(async () => (await one(daemon, 'weather')).status === 'healthy')
    // Two probes run at a time for a second each: most targets are still pending.
    const given = (await all(daemon)).filter(({ name, status }) => name.startsWith('black') && status !== 'pending')
    assert.ok(given.length < 20, `${given.length} black holes were given up before the healthy one was asked`)
    const reasonOf = (name: string, reason: string) =>
      until(async () => {
        const { status, health } = await one(daemon, name)
        return health.reason === reason && status
      })

    assert.equal(await reasonOf('guarded', 'auth_required'), 'healthy')
    assert.match(await reasonOf('page', 'not_mcp'), /degraded|unhealthy/)
    assert.match(await reasonOf('gone', 'refused'), /degraded|unhealthy/)
    assert.match(await reasonOf('metadata', 'blocked'), /degraded|unhealthy/)
    await until(async () =>
      (await all(daemon)).some(({ name, health }) => name.startsWith('black') && health.reason === 'timeout'),
    )
    await until(async () => (await one(daemon, 'endless')).status !== 'pending')
    assert.equal((await one(daemon, 'weather')).status, 'healthy')
  })

  it('self-preservation starts when 12 of 20 targets fail at once and not when one fails', async () => {
    using folder = temporary()
    await using stack = new AsyncDisposableStack()
    const servers = await Promise.all(Array.from({ length: 20 }, () => openHttp((_, response) => response.end('ok'))))
    for (const server of servers) stack.use(server)
    const entries = servers.map(({ port }, n) => [
      `s${n}`,
      { command: 'x', health_check_url: `http://127.0.0.1:${port}/`, health_check_interval: 1 },
    ])
    // All must fail within one configured interval; a busy machine may need more than a second.
    const args = write(folder, Object.fromEntries(entries), 'health: { interval: 4, timeout: 1 }\n')
    const windowMs = 4000 * 1.1 + 1000
    await using daemon = await start(args, { home: folder.path })
    await until(async () => (await all(daemon)).every(({ status }) => status === 'healthy'))

    await servers[0]?.close()
    await until(async () => {
      const { status, health } = await one(daemon, 's0')
      return status === 'unhealthy' && Date.now() - Date.parse(health.since) > windowMs
    })
    const before = await daemon.json<DaemonHealth>('/health')
    assert.equal(before.suspicion, undefined)
    assert.equal(before.status, 'healthy')

    await Promise.all(servers.slice(1, 13).map(({ close }) => close()))
    const { suspicion, status } = await until(async () => {
      const wellbeing = await daemon.json<DaemonHealth>('/health')
      return wellbeing.suspicion && wellbeing
    })
    assert.notEqual(status, 'healthy')
    assert.ok((suspicion?.failing ?? 0) >= 10, JSON.stringify(suspicion))
    assert.match(suspicion?.remedy ?? '', /trust-probes/)
    assert.ok((await daemon.json<DaemonHealth>('/sources')).suspicion)
    assert.match(await (await daemon.get('/metrics')).text(), /roster_probe_suspicion 1/)
    assert.ok(daemon.lines.some(({ msg }) => /self-preservation of probes started/.test(String(msg))))
    const kept = (await all(daemon)).filter(({ status }) => status === 'unhealthy')
    assert.deepEqual(
      kept.map(({ name }) => name),
      ['s0'],
    )

    await daemon.json('/-/trust-probes', { method: 'POST' })
    await until(async () => (await all(daemon)).filter(({ status }) => status === 'unhealthy').length === 13)
  })
})
