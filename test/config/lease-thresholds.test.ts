import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { leaseThresholds } from '../../src/config/source-plans.ts'

const platform = {
  container: false,
  cluster: false,
  home: '/home/ann',
  cwd: '/srv',
  stateDirectory: '/s',
  filePaths: [],
}
const thresholds = async (env: Record<string, string>) =>
  leaseThresholds(await loadConfig({ env, platform, defaultFile: '/nope' }))

describe('lease thresholds', () => {
  it('lease thresholds of agents with tools are shorter while the config names none', async () => {
    const defaults = { timeout: 60, eviction: 120 }

    assert.deepEqual(await thresholds({}), { ...defaults, withTools: { timeout: 20, eviction: 60 } })
    assert.deepEqual(
      await thresholds({
        MCP_ROSTER_HEALTH_AGENTS_TIMEOUT_THRESHOLD: '60',
        MCP_ROSTER_HEALTH_AGENTS_EVICTION_THRESHOLD: '120',
      }),
      { ...defaults, withTools: defaults },
      'the defaults, but named',
    )
    assert.deepEqual(await thresholds({ AGENT_TIMEOUT: '50' }), {
      timeout: 50,
      eviction: 120,
      withTools: { timeout: 50, eviction: 60 },
    })
  })
})
