import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'
import { openMcp } from './mcp.ts'

type Listed = {
  servers: { name: string; status: string; stale: boolean; tags: string[]; enabled: boolean }[]
  resource_version: string
}

const list = async ({ json }: Running, query = '') => await json<Listed>(`/servers${query}`)
const names = async (daemon: Running, query = '') => (await list(daemon, query)).servers.map(({ name }) => name)
const same = (one: readonly string[], other: readonly string[]) => one.join() === other.join()

describe('the daemon', () => {
  it('shows files that are dropped, edited, tagged, disabled and deleted within a second each', async () => {
    using folder = temporary()
    const place = folder.at('servers')
    await using daemon = await start([place], { home: folder.path })
    const write = (text: string) => {
      writeFileSync(folder.at('new.yaml'), text)
      mkdirSync(place, { recursive: true })
      renameSync(folder.at('new.yaml'), `${place}/team.yaml`)
    }

    write('servers:\n  weather: { command: python, tags: [a, b] }\n  maps: { command: python, tags: [a] }\n')
    await until(async () => same(await names(daemon), ['maps', 'weather']), 5)
    assert.deepEqual(await names(daemon, '?tag=a&tag=b'), ['weather'])

    write(
      'servers:\n  weather: { command: python, tags: [a, b] }\n  maps: { command: python, tags: [a, b], enabled: false }\n',
    )
    await until(async () => same(await names(daemon, '?tag=a&tag=b'), ['maps', 'weather']), 2)
    assert.deepEqual(Object.keys((await daemon.json<{ servers: object }>('/discover')).servers), ['weather'])

    rmSync(`${place}/team.yaml`)
    await until(async () => (await names(daemon)).length === 0, 2)
  })

  it('keeps the servers of a broken file as stale, names the line, and recovers', async () => {
    using folder = temporary()
    const file = folder.at('team.yaml')
    writeFileSync(file, 'servers:\n  weather: { command: python }\n')
    await using daemon = await start([folder.path], { home: folder.at('home') })
    await until(async () => (await names(daemon)).length === 1)

    writeFileSync(file, 'servers:\n  weather: { command: python\n  maps: [')
    await until(async () => (await list(daemon)).servers[0]?.stale)
    const { sources } = await daemon.json<{
      sources: { name: string; state: string; origins: { error?: string; where?: string }[] }[]
    }>('/sources')
    const { state, origins } = sources.find(({ name }) => name === 'file') ?? assert.fail()
    assert.equal(state, 'stale')
    assert.match(origins[0]?.where ?? '', /line \d/)

    writeFileSync(file, 'servers:\n  weather: { command: python }\n  maps: { command: python }\n')
    await until(async () => same(await names(daemon), ['maps', 'weather']))
    assert.equal((await list(daemon)).servers[0]?.stale, false)
  })

  it('probes a real MCP server and learns its protocol and tools', async () => {
    using folder = temporary()
    await using mcp = await openMcp()
    writeFileSync(folder.at('mcp.json'), JSON.stringify({ mcpServers: { weather: { url: mcp.url } } }))
    await using daemon = await start([folder.path], { home: folder.at('home') })

    type One = {
      status: string
      health: { protocol_version: string; response_time_ms: number }
      capabilities: { name: string; origin: string }[]
    }
    const one = await until(async () => {
      const server = await daemon.json<One>('/servers/weather')
      return server.status === 'healthy' && server
    })

    assert.equal(one.health.protocol_version, '2026-07-28')
    assert.ok(one.health.response_time_ms > 0)
    assert.deepEqual(
      one.capabilities.map(({ name, origin }) => [name, origin]),
      [['forecast', 'introspected']],
    )
  })

  it('makes no revision when the same content is rewritten', async () => {
    using folder = temporary()
    const text = 'servers:\n  weather: { command: python }\n'
    writeFileSync(folder.at('team.yaml'), text)
    await using daemon = await start([folder.path], { home: folder.at('home') })
    const { resource_version } = await until(async () => {
      const listed = await list(daemon)
      return listed.servers.length === 1 && listed
    })

    for (let times = 0; times < 100; times += 1) writeFileSync(folder.at('team.yaml'), text)
    writeFileSync(folder.at('last.yaml'), 'servers: {}\n')
    await daemon.json('/sources/file/refresh', { method: 'POST' })

    assert.equal((await list(daemon)).resource_version, resource_version)
  })

  it('applies a changed config without touching equal sources, and keeps the old one when the new is invalid', async () => {
    using folder = temporary()
    mkdirSync(folder.at('one'))
    mkdirSync(folder.at('two'))
    writeFileSync(folder.at('one', 'a.yaml'), 'servers:\n  a: { command: x }\n')
    writeFileSync(folder.at('two', 'b.yaml'), 'servers:\n  b: { command: x }\n')
    const source = (name: string) => `  - { type: file, name: ${name}, paths: [${folder.at(name)}] }\n`
    writeFileSync(folder.at('config.yaml'), `sources:\n${source('one')}`)
    await using daemon = await start(['--config', folder.at('config.yaml')], { home: folder.at('home') })
    await until(async () => same(await names(daemon), ['a']))
    const before = await daemon.json('/servers/a')

    writeFileSync(folder.at('config.yaml'), `sources:\n${source('one')}${source('two')}`)
    await until(async () => same(await names(daemon), ['a', 'b']))
    assert.deepEqual(await daemon.json('/servers/a'), before)

    writeFileSync(folder.at('config.yaml'), 'sources:\n  - { type: fil }\n')
    const refused = await daemon.get('/-/reload', { method: 'POST' })
    assert.equal(refused.status, 422)
    assert.deepEqual(await names(daemon), ['a', 'b'])
    assert.match(await (await daemon.get('/metrics')).text(), /roster_config_last_reload_successful 0/)

    writeFileSync(folder.at('config.yaml'), `sources:\n${source('two')}`)
    daemon.child.kill('SIGHUP')
    await until(async () => same(await names(daemon), ['b']))
  })

  it('exits with 1 and one line for an invalid config at start', async () => {
    using folder = temporary()
    writeFileSync(folder.at('config.yaml'), 'listen: { port: 8000 }\nsourcess: []\n')
    await assert.rejects(start(['--config', folder.at('config.yaml')], { home: folder.path }), (error: Error) => {
      assert.match(error.message, /ended with 1/)
      assert.match(error.message, /config\.yaml.*2/)
      assert.match(error.message, /sourcess/)
      assert.doesNotMatch(error.message, /at .*\.ts:\d/)
      return true
    })
  })

  it('exits with 1 and one line, before it answers any request, when a named store is unavailable', async () => {
    using folder = temporary()
    for (const [DATABASE_URL, what] of [
      [
        'postgres://roster:c4nary@127.0.0.1:1/roster',
        /postgres at 127\.0\.0\.1:1\/roster .*Start the database or correct its address/,
      ],
      [
        'mysql://roster:c4nary@127.0.0.1:1/roster',
        /mysql at 127\.0\.0\.1:1\/roster .*Start the database or correct its address/,
      ],
      ['/proc/nowhere/roster.db', /\/proc\/nowhere.*Start the database or correct its address/],
    ] as const) {
      await assert.rejects(start([], { home: folder.path, env: { DATABASE_URL } }), (error: Error) => {
        assert.match(error.message, /ended with 1/)
        assert.match(error.message, what)
        assert.doesNotMatch(error.message, /listening|c4nary|at .*\.ts:\d/)
        return true
      })
    }
  })

  it('finishes requests in flight and exits with 0 on SIGTERM', async () => {
    using folder = temporary()
    const daemon = await start([folder.path], { home: folder.at('home') })
    const asked = Array.from({ length: 50 }, () => daemon.get('/servers'))
    const first = await Promise.race(asked)
    assert.equal(first.status, 200)

    assert.equal(await daemon.stop(), 0)
  })

  it('ends when npm started it and only npm receives SIGTERM', async () => {
    using folder = temporary()
    // A second command keeps the shell from replacing itself with the daemon (exec), as some shells do.
    const command = '"$0" src/main.ts serve --host localhost --port 0 "$1"; true'
    const shell = spawn('sh', ['-c', command, process.execPath, folder.path], {
      env: { PATH: process.env['PATH'] ?? '', HOME: folder.path, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const said: string[] = []
    try {
      // The pipe closes when the daemon ends.
      for await (const line of createInterface({ input: shell.stdout, signal: AbortSignal.timeout(30_000) })) {
        said.push(line)
        if (line.includes('"msg":"listening"')) shell.kill('SIGTERM')
      }
    } finally {
      if (shell.stdout.readableEnded) shell.unref()
      else process.kill(-shell.pid!, 'SIGKILL')
    }

    assert.match(said.at(-1) ?? '', /"shutdown started"/)
  })
})
