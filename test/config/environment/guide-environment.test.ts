import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadConfig } from '../../../src/config/load.ts'
import { describeOrigin } from '../../../src/config/setting-origin.ts'
import { platform } from '../platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'guide-'))
after(() => rmSync(folder, { recursive: true }))
const tokenFile = join(folder, 'token')
writeFileSync(tokenFile, 'from-a-file')

async function load(env: Record<string, string>, text?: string) {
  const file = join(folder, 'config.yaml')
  if (text !== undefined) writeFileSync(file, text)
  const flags = text === undefined ? {} : { config: file }
  const loaded = await loadConfig({ env, flags, platform, defaultFile: '/nope' })
  const warnings = loaded.warnings.filter((warning) => warning.includes('auth.anonymous'))
  return { ...loaded, warnings, allWarnings: loaded.warnings, anonymous: loaded.config.auth.anonymous }
}

describe('AUTH_TOKEN with a name of the Kubernetes guide', () => {
  for (const other of [{ REGISTRY_PORT: '8080' }, { ENABLE_LEADER_ELECTION: 'false' }, { AGENT_TIMEOUT: '60s' }]) {
    const [name = ''] = Object.keys(other)
    it(`lets callers without a token register agents, with one warning: ${name}`, async () => {
      const { anonymous, warnings, originOf } = await load({ AUTH_TOKEN: 'a', ...other })

      assert.equal(anonymous, 'registrar')
      assert.equal(warnings.length, 1)
      assert.match(
        warnings[0] ?? '',
        RegExp(`^AUTH_TOKEN with ${name}, as in the Kubernetes guide.*set auth\\.anonymous`),
      )
      assert.equal(
        describeOrigin(originOf(['auth', 'anonymous'])),
        `default (AUTH_TOKEN with ${name}, as in the Kubernetes guide of the mesh registry)`,
      )
    })
  }

  it('names one variable where all are set, and needs none to have an effect', async () => {
    const all = { REGISTRY_PORT: '8080', ENABLE_LEADER_ELECTION: 'true', AGENT_TIMEOUT: '60s' }
    const { anonymous, warnings } = await load({
      AUTH_TOKEN: 'a',
      PORT: '9000',
      DEFAULT_TIMEOUT_THRESHOLD: '70',
      ...all,
    })

    assert.deepEqual([anonymous, warnings.length], ['registrar', 1])
  })

  it('applies beside a config file that says nothing about access', async () => {
    const { anonymous } = await load({ AUTH_TOKEN: 'a', REGISTRY_PORT: '8080' }, 'listen: { host: 0.0.0.0 }\n')

    assert.equal(anonymous, 'registrar')
  })

  it('does not apply to an empty AUTH_TOKEN, which is said', async () => {
    const { anonymous, allWarnings } = await load({ AUTH_TOKEN: '', REGISTRY_PORT: '8080' })

    assert.deepEqual(
      [anonymous, allWarnings],
      [undefined, ['AUTH_TOKEN is empty and counts as unset: no token is needed']],
    )
  })

  it('accepts the development token of the guide with a warning', async () => {
    const { allWarnings: warnings } = await load({ AUTH_TOKEN: 'dev-token-change-in-production' })

    assert.match(warnings.join('\n'), /^auth\.token is a value that guides publish.*openssl rand -hex 32/m)
    assert.doesNotMatch(warnings.join(), /dev-token/)
  })

  const guide = { AUTH_TOKEN: 'a', REGISTRY_PORT: '8080' }
  const strict: [string, Record<string, string>, string?][] = [
    ['AUTH_TOKEN alone', { AUTH_TOKEN: 'a' }],
    ['AUTH_TOKEN with PORT', { AUTH_TOKEN: 'a', PORT: '8080', LOG_LEVEL: 'info', METRICS_PORT: '9090' }],
    ['no AUTH_TOKEN', { REGISTRY_PORT: '8080', AGENT_TIMEOUT: '60s' }],
    ['an empty name', { AUTH_TOKEN: 'a', REGISTRY_PORT: '' }],
    ['REGISTRY_PORT of a Service named registry', { AUTH_TOKEN: 'a', REGISTRY_PORT: 'tcp://10.96.0.12:8080' }],
    ['AUTH_TOKEN_FILE', { REGISTRY_PORT: '8080', AUTH_TOKEN_FILE: tokenFile }],
    ['AUTH_TOKEN and AUTH_TOKEN_FILE', { ...guide, AUTH_TOKEN_FILE: tokenFile }],
    ['MCP_ROSTER_AUTH_TOKEN', { ...guide, MCP_ROSTER_AUTH_TOKEN: 'b' }],
    ['MCP_ROSTER_AUTH_TOKENS', { ...guide, MCP_ROSTER_AUTH_TOKENS: '[{ name: x, token: y }]' }],
    ['auth in the file', guide, 'auth: { tokens: [{ name: x, token: y }] }\n'],
    ['auth without settings in the file', guide, 'auth:\n  # anonymous: registrar\n'],
  ]
  for (const [what, env, text] of strict) {
    it(`changes nothing: ${what}`, async () => {
      const { anonymous, warnings } = await load(env, text)

      assert.deepEqual([anonymous, warnings], [undefined, []])
    })
  }

  it('changes nothing where auth.anonymous is set', async () => {
    for (const role of ['none', 'reader', 'registrar', 'admin']) {
      const byVariable = await load({ ...guide, MCP_ROSTER_AUTH_ANONYMOUS: role })
      const byFile = await load(guide, `auth: { anonymous: ${role} }\n`)

      assert.deepEqual([byVariable.anonymous, byVariable.warnings], [role, []])
      assert.deepEqual([byFile.anonymous, byFile.warnings], [role, []])
      assert.equal(
        describeOrigin(byVariable.originOf(['auth', 'anonymous'])),
        'environment variable MCP_ROSTER_AUTH_ANONYMOUS',
      )
    }
  })
})
