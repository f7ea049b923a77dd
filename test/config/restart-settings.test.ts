import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { settingsNeedingRestart } from '../../src/config/schema.ts'
import { Config } from '../../src/config/schema.ts'
import { start, temporary } from '../e2e/daemon-process.ts'

describe('a reload', () => {
  it('warns of each changed setting that needs a restart, until it is changed back', async () => {
    using folder = temporary()
    const write = (more: string) => writeFileSync(folder.at('config.yaml'), `sources: []\n${more}`)
    write('store: { type: memory }\n')
    await using daemon = await start(['--config', folder.at('config.yaml')], { home: folder.at('home') })
    const reload = async () => {
      const response = (await (await daemon.get('/-/reload', { method: 'POST' })).json()) as { warnings: string[] }
      return response.warnings
    }
    write(
      'store: { type: sqlite }\nlimits: { max_connections: 9, keep_alive: 9, max_url_length: 999 }\nlog: { access: true, level: warn }\n',
    )
    assert.deepEqual(await reload(), [
      'store changed; the new value applies at the next start',
      'limits.max_connections changed; the new value applies at the next start',
      'limits.keep_alive changed; the new value applies at the next start',
      'log.access changed; the new value applies at the next start',
    ])

    write('store: { type: memory }\n')
    assert.deepEqual(await reload(), [])
  })
})

describe('settingsNeedingRestart', () => {
  it('names only those settings of a changed config that the daemon reads at start', () => {
    const config = (fields: object) => Config.parse({ sources: [], store: { type: 'memory' }, ...fields })

    assert.deepEqual(
      settingsNeedingRestart(
        config({}),
        config({ metrics: { port: 9100 }, limits: { max_url_length: 999 }, watch: { max_history_bytes: 100_000 } }),
      ),
      ['watch.max_history_bytes', 'metrics.port'],
    )
    assert.deepEqual(settingsNeedingRestart(config({}), config({})), [])
  })
})
