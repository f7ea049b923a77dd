import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { detectPlatform } from '../../../src/config/loading/platform.ts'

describe('the folders of the platform', () => {
  const home = '/home/ann'

  for (const [title, env, stateDirectory] of [
    ['state below the home by default', {}, '/home/ann/.local/state/mcp-roster'],
    ['state below XDG_STATE_HOME', { XDG_STATE_HOME: '/var/xdg' }, '/var/xdg/mcp-roster'],
    [
      'state below the home where XDG_STATE_HOME is relative',
      { XDG_STATE_HOME: 'xdg' },
      '/home/ann/.local/state/mcp-roster',
    ],
    [
      'state in the first directory that systemd gives',
      { STATE_DIRECTORY: '/var/lib/one:/var/lib/two' },
      '/var/lib/one',
    ],
  ] as const) {
    it(`place ${title}`, () => assert.equal(detectPlatform({ HOME: home, ...env }).stateDirectory, stateDirectory))
  }

  it('place server files in /etc and below the config home', () => {
    assert.deepEqual(detectPlatform({ HOME: home }).filePaths, ['/etc/mcp', '/home/ann/.config/mcp'])
    assert.deepEqual(detectPlatform({ HOME: home, XDG_CONFIG_HOME: '/c' }).filePaths, ['/etc/mcp', '/c/mcp'])
  })

  it('come with the cluster that the environment shows', () => {
    assert.equal(detectPlatform({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }).cluster, true)
    assert.equal(detectPlatform({}).cluster, false)
  })
})
