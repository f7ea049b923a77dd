import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { listSettings, redactedConfig } from '../../src/config/redacted-config.ts'
import { platform } from './platform.ts'

const env = {
  MCP_ROSTER_AUTH_TOKEN: 'hush-1',
  MCP_ROSTER_AUTH_TOKENS: '[{ name: ops, token: hush-2, role: admin }]',
  MCP_ROSTER_STORE_URL: 'postgres://user:hush-3@db.example/roster',
  MCP_ROSTER_STORE_TYPE: 'postgres',
}

describe('the config as shown to operators', () => {
  it('has no secrets, but the names and rights of tokens', async () => {
    const loaded = await loadConfig({ env, platform, defaultFile: '/nope' })
    const shown = redactedConfig(loaded)

    assert.doesNotMatch(JSON.stringify(shown), /hush/)
    assert.partialDeepStrictEqual(shown['auth'], { tokens: [{ name: 'ops', role: 'admin' }] })
    assert.partialDeepStrictEqual(shown['watch'], { max_watchers_per_token: 5000 })
  })

  it('has every number and switch', async () => {
    const loaded = await loadConfig({ env, platform, defaultFile: '/nope' })
    const plain = Object.entries(loaded.config).flatMap(([section, settings]) =>
      Object.entries(settings as object)
        .filter(([, value]) => ['number', 'boolean'].includes(typeof value))
        .map(([name, value]) => [`${section}.${name}`, value] as const),
    )
    const shown = new Map(listSettings(loaded).map(({ path, value }) => [path, value]))

    assert.ok(plain.some(([path]) => path === 'calls.max_concurrent_per_token'))
    for (const [path, value] of plain) assert.equal(shown.get(path), value, path)
  })

  it('lists each setting with its origin', async () => {
    const settings = listSettings(await loadConfig({ env, platform, defaultFile: '/nope' }))
    const originOf = (path: string) => settings.find((one) => one.path === path)?.origin

    assert.equal(originOf('auth.tokens[0].role'), 'environment variable MCP_ROSTER_AUTH_TOKENS')
    assert.equal(originOf('listen.port'), 'default')
  })
})
