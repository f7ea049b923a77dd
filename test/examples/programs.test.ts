import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { startMcp, text } from '../client/connect/mcp-servers.ts'
import { createServerFile } from '../client/connect/server-file.ts'
import { startHere } from '../in-process-daemon.ts'

const folder = 'config/examples/programs'
const programs = readdirSync(folder).filter((file) => file.endsWith('.mjs'))
const tested = new Set<string>()
const opened = new AsyncDisposableStack()
let url = ''

function forecastBy(name: string): (server: McpServer) => void {
  return (server) =>
    server.registerTool('forecast', { inputSchema: z.object({ city: z.string() }) }, ({ city }) =>
      text(`sunny in ${city}, says ${name}`),
    )
}

/** Runs a program of the examples as its reader does; its output. */
async function outputOf(program: string, roster = url): Promise<string> {
  tested.add(program)
  const args = ['--import', './test/examples/resolve-sources.ts', `${folder}/${program}`]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, MCP_ROSTER_URL: roster },
  })
  return stdout
}

describe('the programs of the examples', { concurrency: 2 }, () => {
  before(async () => {
    const [weather, climate, tides, broken] = await Promise.all([
      startMcp({ name: 'weather', build: forecastBy('weather') }),
      startMcp({ name: 'climate', build: forecastBy('climate') }),
      startMcp({ name: 'tides', build: (server) => server.registerTool('tide', {}, () => text('high')) }),
      startMcp({
        name: 'broken',
        build: (server) => server.registerTool('order', {}, () => text('never')),
        intercept(_, response, message) {
          if (message.method !== 'tools/call') return false
          response.writeHead(503, { 'retry-after': '0' }).end()
          return true
        },
      }),
    ])
    for (const server of [weather, climate, tides, broken]) opened.use(server)
    const place = opened.use(
      await createServerFile({
        weather: { url: weather.url, tags: ['geo'] },
        climate: { url: climate.url, tags: ['geo'] },
        tides: { url: tides.url },
        broken: { url: broken.url },
        off: { url: 'http://127.0.0.1:59/mcp', enabled: false },
      }),
    )
    ;({ url } = place.daemon)
  })
  after(() => opened.disposeAsync())

  it('connect-all connects to every enabled server and calls a tool', async () => {
    const output = await outputOf('connect-all.mjs')

    assert.match(output, /^connected: default\/broken, default\/climate, default\/tides, default\/weather\n/)
    assert.match(
      output,
      /not connected: none\ntools: broken__order, climate__forecast, tides__tide, weather__forecast\n/,
    )
    assert.match(output, /forecast: sunny in Bern/)
  })

  it('connect-by-tag connects to servers by tag and by name', async () => {
    assert.equal(
      await outputOf('connect-by-tag.mjs'),
      'known: 5\nwith the tag geo: default/climate, default/weather\ntides, by name: true\ntides is disconnected\n',
    )
  })

  it('statistics counts connections and calls', async () => {
    const output = await outputOf('statistics.mjs')

    assert.match(output, /servers: 2,\s+connected: 2,\s+failed: 0,\s+tools: 2,\s+calls: 10,\s+retries: 0,\s+errors: 0/)
    assert.match(output, /half of the calls below p50/)
    const own = [...output.matchAll(/^default\/\w+ (\d+)$/gm)].map(([, calls]) => Number(calls))
    assert.equal(
      own.reduce((sum, calls) => sum + calls, 0),
      10,
    )
  })

  it('callbacks is told of each change, with the reason', async () => {
    const output = await outputOf('callbacks.mjs')

    for (const state of ['connecting', 'connected', 'disconnected'])
      assert.match(output, new RegExp(`^callback: default/weather ${state}$`, 'm'))
    assert.match(output, /^event: connected default\/weather - /m)
    assert.match(output, /^event: disconnected default\/weather - asked to disconnect$/m)
  })

  it('load-balancing uses servers in turn, and one for a user', async () => {
    assert.equal(
      await outputOf('load-balancing.mjs'),
      'in turn: 2 servers\nfor one user: 1 server\npicked by the roster: true - string\n',
    )
  })

  it('circuit-breaker stops calling a server that keeps failing', async () => {
    assert.equal(await outputOf('circuit-breaker.mjs'), `${'out of order\n'.repeat(4)}circuit: open\n`)
  })

  it('stale-cache goes on without the roster and says so', async () => {
    assert.equal(
      await outputOf('stale-cache.mjs'),
      'stale: /servers, no daemon answers at the roster: connection refused\n2 servers, not confirmed\n',
    )
  })

  it('batch-discovery has an answer or a problem for each query', async () => {
    assert.equal(await outputOf('batch-discovery.mjs'), 'climate, weather\ntides\nproblem: invalid_parameter\n')
  })

  it('agents gives one agent to the other while it is there', async () => {
    await using daemon = await startHere('sources: [{ type: agents }]')

    assert.equal(
      await outputOf('agents.mjs', daemon.url),
      'with a clock: hello, it is noon\nwithout: hello, without a clock\n',
    )
  })

  it('every program is tested and explained', () => {
    const page = readFileSync(`${folder}/README.md`, 'utf8')
    assert.deepEqual(programs.toSorted(), [...tested].toSorted())
    assert.deepEqual(
      programs.filter((program) => !page.includes(`\`${program}\``)),
      [],
    )
  })
})
