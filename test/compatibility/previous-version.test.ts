import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { currentPath, renamedKeys, toCurrentKeys } from '../../src/config/renamed-keys.ts'
import { type Running, start, temporary, until } from '../e2e/daemon-process.ts'

const saved = (name: string) => join(import.meta.dirname, 'saved', name)
const read = (name: string): unknown => JSON.parse(readFileSync(saved(name), 'utf8'))
const env = (name: string) => read(name) as Record<string, string>

/** What version 0.1.0 made of a saved config. */
type Loaded = { config: Record<string, unknown>; warnings: string[]; notes: string[] }

const platform = {
  container: false,
  cluster: false,
  home: '/home/ann',
  cwd: '/srv',
  stateDirectory: '/state',
  filePaths: ['/etc/mcp', '/home/ann/.config/mcp'],
}

/** Accepted spellings that version 0.1.0 did not have: these settings are newer. */
const newerSettings = new Set(['watch.total_buffer_bytes', 'watch.watchers_per_address'])
const renamedSince010 = Object.entries(renamedKeys).filter(([former]) => !newerSettings.has(former))

describe('a config of version 0.1.0', () => {
  it('in a file loads as it did, with one warning for each renamed key', async () => {
    const file = saved('config.yaml')
    const { config, warnings } = await loadConfig({ flags: { config: file }, env: {}, platform })

    assert.partialDeepStrictEqual(asLoaded(config), withCurrentKeys((read('config.loaded.json') as Loaded).config))
    assert.deepEqual(
      warnings.map((warning) => warning.replace(/^.*config\.yaml:\d+: /, '').replaceAll('[0]', '[]')).toSorted(),
      renamedSince010.map(([former, current]) => `${former}: is deprecated; use ${current}`).toSorted(),
    )
  })

  it('passes mcp-roster check, with one warning for each renamed key', () => {
    const args = ['src/main.ts', 'check', '--config', saved('config.yaml')]
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { NODE_ENV: 'test' } })
    const warnings = stdout.split('\n').filter((line) => line.startsWith('warning: '))

    assert.equal(warnings.length, renamedSince010.length, stdout)
    assert.match(stdout, /config\.yaml: (good|valid|ok)/)
  })

  it('in MCP_ROSTER variables loads as it did, with one warning for each renamed variable', async () => {
    const variables = env('environment-own.json')
    const { config, warnings } = await loadConfig({ env: variables, platform, defaultFile: '/nope' })

    assert.partialDeepStrictEqual(
      asLoaded(config),
      withCurrentKeys((read('environment-own.loaded.json') as Loaded).config),
    )
    const renamed = Object.keys(renamedKeys)
      .map((former) => `MCP_ROSTER_${former.replaceAll('.', '_').toUpperCase()}`)
      .filter((name) => name in variables)
    const renamedSections = Object.keys(variables).filter((name) => /_(PRESERVATION|SUSPICION)_/.test(name))
    assert.deepEqual(
      warnings.map((warning) => warning.split(/[ :]/)[0] ?? '').toSorted(),
      [...new Set([...renamed, ...renamedSections, 'MCP_ROSTER_AUTH_TOKENS'])].toSorted(),
    )
  })

  it('in the variables of the replaced systems loads as it did, with the same warnings and one about access', async () => {
    const variables = env('environment-replaced.json')
    const { config, warnings, notes } = await loadConfig({ env: variables, platform, defaultFile: '/nope' })
    const loaded = read('environment-replaced.loaded.json') as Loaded

    assert.partialDeepStrictEqual(asLoaded(config), withCurrentKeys(loaded.config))
    // The variables of the leader election have an effect since there are members.
    const isElection = (name = '') => /^(REGISTRY_INSTANCE_ID|ENABLE_LEADER_ELECTION|LEADER_ELECTION_)/.test(name)
    const without = (texts: readonly string[]) => names(texts).filter((name) => !isElection(name))
    // Version 0.1.0 rejected the agents of such an environment.
    assert.deepEqual(names(warnings), [...without(loaded.warnings), 'AUTH_TOKEN'])
    assert.deepEqual(names(notes), without(loaded.notes))
    const { cluster } = config
    assert.deepEqual(cluster, {
      id: 'one',
      leader_election: true,
      lease_duration: 15,
      renew_deadline: 10,
      retry_period: 2,
    })
  })
})

/** The config as JSON holds it: a property that is undefined is absent. */
function asLoaded(config: unknown): unknown {
  return JSON.parse(JSON.stringify(config))
}

function withCurrentKeys(config: unknown): unknown {
  const { value, former } = toCurrentKeys(config)
  for (const { written, current } of former) assert.deepEqual(currentPath(written), current)
  return value
}

function names(texts: readonly string[]): (string | undefined)[] {
  return texts.map((text) => text.split(' ')[0])
}

describe('the SQLite store and the server files of version 0.1.0', () => {
  const folder = temporary()
  const listing = createServer((_, response) => response.end(JSON.stringify({ servers: listed })))
  before(() => {
    copyFileSync(saved('servers.yaml'), folder.at('servers.yaml'))
    return new Promise<void>((resolve) => void listing.listen(0, '127.0.0.1', resolve))
  })
  after(() => {
    listing.close()
    folder[Symbol.dispose]()
  })

  /** A daemon on a copy of the saved store, with the sources that the saved answers come from. */
  async function startDaemon(name: string, partnerUrl: string): Promise<Running> {
    const path = folder.at(`${name}.db`)
    const database = new DatabaseSync(path)
    database.exec(readFileSync(saved('roster.sql'), 'utf8'))
    database.close()
    const config = folder.at(`${name}.yaml`)
    writeFileSync(
      config,
      `store: { type: sqlite, path: ${path} }
health: { enabled: false, suspicion: { minimum: 10 } }
sources:
  - { type: file, name: team, paths: [servers.yaml] }
  - { type: http, name: partner, url: '${partnerUrl}', interval: 3600 }
  - { type: agents }
`,
    )
    return start(['--config', config], { home: folder.at(name) })
  }

  it('give the same agents and servers, those of an unreachable source from its stored reading', async () => {
    await using daemon = await startDaemon('unreachable', 'http://127.0.0.1:18999/servers.json')
    const savedAgents = (read('agents.json') as Listed).agents
    const savedServers = (read('servers.json') as { servers: Record<string, unknown>[] }).servers
    // The stored reading and the files are read in the background.
    const servers = await until(async () => {
      const { servers: current } = await daemon.json<{ servers: Record<string, unknown>[] }>('/servers')
      return current.length === savedServers.length && current
    })
    const { agents } = await daemon.json<Listed>('/agents')

    // Fields may be added.
    assert.equal(agents.length, savedAgents.length)
    assert.partialDeepStrictEqual(agents, savedAgents.map(withoutHeartbeat))
    for (const [index, { id }] of agents.entries()) {
      const { last_heartbeat } = await daemon.json<Listed['agents'][number]>(`/agents/${String(id)}`)
      const differenceMs = Date.parse(last_heartbeat) - Date.parse(savedAgents[index]?.last_heartbeat ?? '')
      assert.ok(Math.abs(differenceMs) < 1000, last_heartbeat)
    }
    const fieldsSaved = servers.map((server, index) =>
      Object.fromEntries(Object.keys(savedServers[index] ?? {}).map((key) => [key, server[key]])),
    )
    assert.deepEqual(fieldsSaved, savedServers)
    assert.deepEqual(
      servers.filter(({ stale }) => stale).map(({ source }) => source),
      ['partner', 'partner'],
    )
  })

  it('give the same client configs, but for a variable that is no secret', async () => {
    const { port } = listing.address() as AddressInfo
    await using daemon = await startDaemon('reachable', `http://127.0.0.1:${port}/servers.json`)

    for (const format of ['claude', 'cursor', 'vscode']) {
      const response = await until(async () => {
        const answer = await daemon.get(`/discover?format=${format}`)
        return answer.status === 503 ? undefined : answer
      })
      assert.equal(await response.text(), withLogLevel(readFileSync(saved(`discover-${format}.txt`), 'utf8')))
    }
  })

  it('log one warning for each renamed key of the config', async () => {
    await using daemon = await startDaemon('warned', 'http://127.0.0.1:18999/servers.json')
    const warnings = daemon.lines.flatMap(({ msg, warning }) => (msg === 'config warning' ? String(warning) : []))

    assert.equal(warnings.length, 2, warnings.join('\n'))
    assert.match(warnings.join('\n'), /health\.suspicion: .*\n.*health\.suspicion\.minimum: /)
  })
})

/** Harmless values of variables such as LOG_LEVEL are shown now, and nothing prompts for them. */
function withLogLevel(config: string): string {
  return config
    .replace(/("LOG_LEVEL": )"\$\{[^}]+\}"/, '$1"debug"')
    .replace(/ {4}\{\n[^{}]*"description": "LOG_LEVEL of my-files"[^{}]*\},\n/, '')
}

const listed = {
  forecast: {
    url: 'http://forecast.example:9000/mcp',
    tags: ['geo'],
    description: 'Forecasts',
  },
  tides: { url: 'http://tides.example/sse', type: 'sse' },
}

function withoutHeartbeat(agent: Listed['agents'][number]) {
  const { status: _status, last_heartbeat: _lastHeartbeat, ...rest } = agent
  return rest
}

type Listed = { agents: ({ status?: string; last_heartbeat: string } & Record<string, unknown>)[] }
