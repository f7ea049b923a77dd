import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { renamedKeys } from '../../src/config/renamed-keys.ts'
import { leavesOf } from '../../src/config/schema-paths.ts'
import { Config } from '../../src/config/schema.ts'
import { describeOrigin, describePath } from '../../src/config/setting-origin.ts'
import { platform } from './platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'renamed-'))
const file = join(folder, 'config.yaml')
after(() => rmSync(folder, { recursive: true }))

function load(text: string, env: Record<string, string> = {}) {
  writeFileSync(file, text)
  return loadConfig({ flags: { config: file }, env, platform })
}

const base = 'sources: []\nstore: { type: memory }\n'

describe('a renamed setting in the config file', () => {
  it('is read under its former name, with one warning that gives line and current name', async () => {
    const { config, warnings } = await load(`${base}limits:\n  url_length: 999\n  keep_alive: 9\n`)

    assert.equal(config.limits.max_url_length, 999)
    assert.equal(config.limits.keep_alive, 9)
    assert.deepEqual(warnings, [`${file}:4: limits.url_length: is deprecated; use limits.max_url_length`])
  })

  it('in a renamed section is read under any mix of former and current names', async () => {
    const { config, warnings } = await load(
      `${base}health:\n  agents:\n    preservation: { least: 3, max_duration: 60 }\n  self_preservation: { minimum: 4 }\n`,
    )

    assert.deepEqual(config.health.agents.self_preservation, {
      enabled: true,
      min_agents: 3,
      ratio: 0.5,
      max_duration: 60,
    })
    assert.equal(config.health.self_preservation.min_targets, 4)
    assert.deepEqual(warnings, [
      `${file}:5: health.agents.preservation: is deprecated; use health.agents.self_preservation`,
      `${file}:5: health.agents.preservation.least: is deprecated; use health.agents.self_preservation.min_agents`,
      `${file}:6: health.self_preservation.minimum: is deprecated; use health.self_preservation.min_targets`,
    ])
  })

  it('in several list elements gives one warning', async () => {
    const { config, warnings } = await load(
      `${base}auth:\n  tokens:\n    - { name: a, token: token-one, most_agents: 1 }\n    - { name: b, token: token-two, most_agents: 2 }\n`,
    )

    assert.deepEqual(
      config.auth.tokens.map((grant) => grant.max_agents),
      [1, 2],
    )
    assert.deepEqual(warnings, [`${file}:5: auth.tokens[0].most_agents: is deprecated; use auth.tokens[0].max_agents`])
  })

  it('keeps its line, its placeholders and its precedence', async () => {
    const { config, originOf } = await load(`${base}watch:\n  watchers: \${COUNT}\nmetrics: { default: json }\n`, {
      COUNT: '7',
      MCP_ROSTER_METRICS_DEFAULT_FORMAT: 'prometheus',
    })

    assert.equal(config.watch.max_watchers, 7)
    assert.equal(describeOrigin(originOf(['watch', 'max_watchers'])), `${file}:4`)
    assert.equal(config.metrics.default_format, 'prometheus')
  })

  it('under both names is an error that gives both', async () => {
    await assert.rejects(load(`${base}limits:\n  max_connections: 1\n  connections: 2\n`), {
      message: `${file}:5: limits.connections: is the former name of limits.max_connections, which is set too; remove limits.connections`,
    })
    await assert.rejects(load(`${base}health: { suspicion: {}, self_preservation: {} }\n`), {
      message: `${file}:3: health.suspicion: is the former name of health.self_preservation, which is set too; remove health.suspicion`,
    })
  })
})

describe('a renamed setting in the environment', () => {
  it('is read under its former name, with one warning', async () => {
    const { config, warnings } = await load(base, {
      MCP_ROSTER_HEALTH_AGENTS_PRESERVATION_LEAST: '3',
      MCP_ROSTER_METRICS_DEFAULT: 'json',
      MCP_ROSTER_AUTH_TOKENS:
        '[{ name: a, token: token-one, most_agents: 1 }, { name: b, token: token-two, most_agents: 2 }]',
    })

    assert.equal(config.health.agents.self_preservation.min_agents, 3)
    assert.equal(config.metrics.default_format, 'json')
    assert.deepEqual(
      config.auth.tokens.map((grant) => grant.max_agents),
      [1, 2],
    )
    assert.deepEqual(warnings, [
      'MCP_ROSTER_HEALTH_AGENTS_PRESERVATION_LEAST is deprecated; use MCP_ROSTER_HEALTH_AGENTS_SELF_PRESERVATION_MIN_AGENTS',
      'MCP_ROSTER_METRICS_DEFAULT is deprecated; use MCP_ROSTER_METRICS_DEFAULT_FORMAT',
      'MCP_ROSTER_AUTH_TOKENS: auth.tokens[0].most_agents is deprecated; use auth.tokens[0].max_agents',
    ])
  })

  it('is read from a file under its former name', async () => {
    const value = join(folder, 'connections')
    writeFileSync(value, '5\n')
    const { config, warnings } = await load(base, { MCP_ROSTER_LIMITS_CONNECTIONS_FILE: value })

    assert.equal(config.limits.max_connections, 5)
    assert.deepEqual(warnings, [
      'MCP_ROSTER_LIMITS_CONNECTIONS_FILE is deprecated; use MCP_ROSTER_LIMITS_MAX_CONNECTIONS_FILE',
    ])
  })

  it('under two names is an error that gives both', async () => {
    await assert.rejects(
      load(base, { MCP_ROSTER_HEALTH_PER_HOST: '1', MCP_ROSTER_HEALTH_MAX_CONCURRENCY_PER_HOST: '2' }),
      /^ConfigError: environment variable MCP_ROSTER_HEALTH_PER_HOST: health\.max_concurrency_per_host: is a former name of MCP_ROSTER_HEALTH_MAX_CONCURRENCY_PER_HOST, and MCP_ROSTER_HEALTH_MAX_CONCURRENCY_PER_HOST is set too; unset MCP_ROSTER_HEALTH_PER_HOST$/,
    )
    await assert.rejects(
      load(base, { MCP_ROSTER_HEALTH_SUSPICION_MINIMUM: '2', MCP_ROSTER_HEALTH_SUSPICION_MIN_TARGETS: '3' }),
      /MCP_ROSTER_HEALTH_SUSPICION_MINIMUM is set too; unset MCP_ROSTER_HEALTH_SUSPICION_MIN_TARGETS$/,
    )
    await assert.rejects(
      load(base, { MCP_ROSTER_AUTH_TOKENS: '[{ name: a, token: token-one, most_agents: 1, max_agents: 2 }]' }),
      /MCP_ROSTER_AUTH_TOKENS: auth\.tokens\[0\]\.most_agents: is the former name of auth\.tokens\[0\]\.max_agents/,
    )
  })
})

describe('the table of renamed settings', () => {
  it('names settings of the schema as current, and none of them as former', () => {
    const leaves = leavesOf(Config).map(({ path }) => describePath(path))
    const isSetting = (path: string) => leaves.some((leaf) => leaf === path || leaf.startsWith(`${path}.`))

    for (const [former, current] of Object.entries(renamedKeys)) {
      assert.ok(isSetting(current) || current.startsWith('auth.tokens[].'), current)
      assert.ok(!isSetting(former), former)
    }
  })
})
