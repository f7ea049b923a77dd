import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { readEnvironment, settingVariables } from '../../../src/config/environment/environment.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { platform } from '../platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'environment-'))
after(() => rmSync(folder, { recursive: true }))

async function configOf(env: Record<string, string>) {
  return (await loadConfig({ env, platform, defaultFile: '/nope' })).config
}

describe('a variable of the replaced systems', () => {
  it('sets the corresponding setting', async () => {
    const config = await configOf({
      HOST: '10.0.0.1',
      PORT: '9000',
      REGISTRY_PORT: '9001',
      LOG_LEVEL: 'WARNING',
      ACCESS_LOG: 'true',
      AUTH_TOKEN: 'abc',
      HEALTH_CHECK_INTERVAL: '45s',
      ENABLE_CORS: 'false',
      ALLOWED_ORIGINS: 'https://a.example, https://b.example',
      ALLOWED_METHODS: 'GET,POST',
      ALLOWED_HEADERS: '*',
      ENABLE_METRICS: 'no',
      METRICS_PORT: '9090',
      REGISTRY_NAME: 'mesh-eu',
      MCP_MESH_PUBLIC_URL_PREFIX: 'https://agents.example.org/',
      ENABLE_EVENTS: 'true',
      MCP_MESH_EVENT_MAX_ROWS: '50',
    })

    assert.deepEqual(
      [config.listen.host, config.listen.port, config.listen.name, config.listen.service],
      ['10.0.0.1', 9000, 'mesh-eu', 'mesh-eu'],
    )
    assert.equal(config.publish.a2a_url, 'https://agents.example.org')
    assert.deepEqual([config.log.level, config.log.access, config.auth.token], ['warn', true, 'abc'])
    assert.equal(config.health.interval, 45)
    assert.deepEqual(config.cors, {
      enabled: false,
      origins: ['https://a.example', 'https://b.example'],
      methods: ['GET', 'POST'],
      headers: ['*'],
    })
    assert.deepEqual(config.metrics, { enabled: false, default_format: 'prometheus', max_servers: 1000, port: 9090 })
    assert.deepEqual([config.events.enabled, config.events.max_rows], [true, 100])
  })

  it('the original’s unlimited number of events is the greatest one', async () => {
    assert.equal((await configOf({ MCP_MESH_EVENT_MAX_ROWS: '0' })).events.max_rows, 10_000_000)
  })

  for (const [env, store] of [
    [{ DATABASE_URL: 'mcp_mesh_registry.db' }, { type: 'sqlite', path: '/srv/mcp_mesh_registry.db' }],
    [{ DATABASE_URL: 'sqlite:///data/registry.db' }, { type: 'sqlite', path: '/data/registry.db' }],
    [{ DATABASE_URL: 'sqlite:////data/registry.db' }, { type: 'sqlite', path: '/data/registry.db' }],
    [{ DATABASE_URL: 'sqlite:///./data/registry.db' }, { type: 'sqlite', path: '/srv/data/registry.db' }],
    [{ DATABASE_URL: 'sqlite+aiosqlite:///../registry.db' }, { type: 'sqlite', path: '/registry.db' }],
    [{ DATABASE_URL: 'sqlite://registry.db' }, { type: 'sqlite', path: '/srv/registry.db' }],
    [{ DATABASE_URL: 'sqlite:///:memory:' }, { type: 'memory' }],
    [
      { DATABASE_URL: 'postgres://u:p@h/d?sslmode=require' },
      { type: 'postgres', url: 'postgres://u:p@h/d?sslmode=require' },
    ],
    [{ DATABASE_URL: 'postgresql+asyncpg://u:p@h/d' }, { type: 'postgres', url: 'postgresql://u:p@h/d' }],
    [{ DATABASE_URL: 'mysql://u:p@h/d' }, { type: 'mysql', url: 'mysql://u:p@h/d' }],
    [
      { DATABASE_TYPE: 'sqlite', DATABASE_PATH: '/data/registry.db' },
      { type: 'sqlite', path: '/data/registry.db' },
    ],
    [
      {
        DATABASE_TYPE: 'postgresql',
        DATABASE_HOST: 'db',
        DATABASE_PORT: '5433',
        DATABASE_NAME: 'r',
        DATABASE_USER: 'u',
        DATABASE_PASSWORD: 'p@/:',
      },
      { type: 'postgres', url: 'postgres://u:p%40%2F%3A@db:5433/r' },
    ],
    [
      { DB_TYPE: 'mysql', DB_HOST: 'db', DATABASE_PORT: 'tcp://10.0.0.9:3306' },
      { type: 'mysql', url: 'mysql://root@db:3306/registry' },
    ],
  ] as const) {
    it(`configures the store: ${Object.values(env).join(' ')}`, async () => {
      assert.partialDeepStrictEqual((await configOf(env)).store, store)
    })
  }

  it('with an unsupported database is an error that omits the password', async () => {
    await assert.rejects(configOf({ DATABASE_URL: 'mongodb://u:hush@h/d' }), (error: Error) => {
      assert.match(error.message, /environment variable DATABASE_URL: store: unsupported database; use a path/)
      return !error.message.includes('hush')
    })
  })

  it('is overridden by the MCP_ROSTER_ variable', async () => {
    const env = { DATABASE_URL: 'postgres://h/d', MCP_ROSTER_STORE_TYPE: 'memory' }

    await assert.rejects(configOf(env), /environment variable DATABASE_URL: store\.url: unknown setting/)
    assert.equal((await configOf({ PORT: '1', MCP_ROSTER_LISTEN_PORT: '2' })).listen.port, 2)
  })

  it('without effect is accepted, with a warning where an operator may rely on it', async () => {
    const { settings, problems, warnings, notes } = await readEnvironment(
      {
        CACHE_TTL: '30',
        DB_BUSY_TIMEOUT: '5000',
        DB_SYNCHRONOUS: 'NORMAL',
        DB_JOURNAL_MODE: 'WAL',
      },
      platform,
    )

    assert.deepEqual([settings, problems], [[], []])
    assert.deepEqual(
      warnings.map((text) => text.split(' ')[0]),
      ['CACHE_TTL', 'DB_SYNCHRONOUS'],
    )
    assert.deepEqual(
      notes.map((text) => text.split(' ')[0]),
      ['DB_BUSY_TIMEOUT', 'DB_JOURNAL_MODE'],
    )
  })
})

describe('the environment', () => {
  it('ignores the variables that Kubernetes sets for Services of the same names', async () => {
    const { settings, warnings } = await readEnvironment(
      {
        PORT: 'tcp://10.0.0.1:80',
        METRICS_PORT: 'tcp://10.0.0.1:9090',
        MCP_ROSTER_PORT: 'tcp://10.0.0.1:8000',
        MCP_ROSTER_SERVICE_HOST: '10.0.0.1',
        MCP_ROSTER_SERVICE_PORT: '8000',
        MCP_ROSTER_SERVICE_PORT_HTTP: '8000',
        MCP_ROSTER_PORT_8000_TCP: 'tcp://10.0.0.1:8000',
        MCP_ROSTER_PORT_8000_TCP_ADDR: '10.0.0.1',
        MCP_ROSTER_METRICS_PORT: 'tcp://10.0.0.1:8000',
        LOG_LEVEL: '',
      },
      platform,
    )

    assert.deepEqual([settings, warnings], [[], []])
  })

  it('has a unique variable for every setting, nested ones included', async () => {
    const names = [...settingVariables().keys()]

    for (const name of [
      'MCP_ROSTER_LISTEN_TLS_CERT',
      'MCP_ROSTER_SOURCES',
      'MCP_ROSTER_STORE_PATH',
      'MCP_ROSTER_HEALTH_THRESHOLDS_FAILURES',
    ]) {
      assert.ok(names.includes(name), name)
    }
    assert.equal(new Set(names).size, names.length)
  })

  it('reads lists and nested YAML', async () => {
    const config = await configOf({
      MCP_ROSTER_CORS_ORIGINS: 'https://a.example,https://b.example',
      MCP_ROSTER_SOURCES: '[{type: file, name: one, paths: [/a]}]',
      MCP_ROSTER_HEALTH_INTERVAL: '1m',
      MCP_ROSTER_STORE_PATH: '/x/y.db',
    })

    assert.deepEqual(config.cors.origins, ['https://a.example', 'https://b.example'])
    assert.deepEqual(
      config.sources.map(({ name }) => name),
      ['one'],
    )
    assert.equal(config.health.interval, 60)
    assert.deepEqual(config.store, { type: 'sqlite', path: '/x/y.db' })
  })

  it('rejects nested YAML with a syntax error as a whole', async () => {
    for (const broken of ['[{type: file, name: one', '[{type: file}', '{a: 1}: [', '"'])
      await assert.rejects(
        configOf({ MCP_ROSTER_SOURCES: broken }),
        /MCP_ROSTER_SOURCES: sources: must be YAML/,
        broken,
      )
  })

  it('reads a secret from the file that NAME_FILE names', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'from-a-file\n')

    assert.equal((await configOf({ AUTH_TOKEN_FILE: file })).auth.token, 'from-a-file')
    assert.equal((await configOf({ MCP_ROSTER_AUTH_TOKEN_FILE: file, AUTH_TOKEN: 'x' })).auth.token, 'from-a-file')
    await assert.rejects(
      configOf({ AUTH_TOKEN_FILE: `${file}.gone` }),
      /environment variable AUTH_TOKEN_FILE: cannot read the file that it names \(ENOENT\)/,
    )
  })

  it('warns that NAME_FILE is ignored while NAME is set', async () => {
    const { warnings } = await readEnvironment(
      { AUTH_TOKEN: 'x', AUTH_TOKEN_FILE: '/a', DATABASE_URL: 'memory://', DATABASE_URL_FILE: '/b' },
      platform,
    )

    assert.deepEqual(warnings.toSorted(), [
      'AUTH_TOKEN is set, so AUTH_TOKEN_FILE is ignored; unset one of them',
      'DATABASE_URL is set, so DATABASE_URL_FILE is ignored; unset one of them',
    ])
  })

  it('warns of an unknown MCP_ROSTER_ variable and suggests the closest one', async () => {
    const { warnings } = await readEnvironment(
      { MCP_ROSTER_LISTEN_PROT: '1', MCP_ROSTER_URL: 'http://x', MCP_ROSTER_CONFIG: 'x' },
      platform,
    )

    assert.deepEqual(warnings, ['unknown variable MCP_ROSTER_LISTEN_PROT; did you mean MCP_ROSTER_LISTEN_PORT?'])
  })
})
