import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { start, temporary } from '../e2e/running.ts'

describe('a config that changes while the daemon runs', () => {
  it('says which of its settings have to wait for the next start, until they are as they were', async () => {
    using folder = temporary()
    const write = (more: string) => writeFileSync(folder.at('config.yaml'), `sources: []\n${more}`)
    write('store: { type: memory }\n')
    await using daemon = await start(['--config', folder.at('config.yaml')], { home: folder.at('home') })
    const reloaded = async () => {
      const answer = (await (await daemon.get('/-/reload', { method: 'POST' })).json()) as { warnings: string[] }
      return answer.warnings
    }
    write(
      'store: { type: sqlite }\nlimits: { max_connections: 9, keep_alive: 9, max_url_length: 999 }\nlog: { access: true, level: warn }\n',
    )
    assert.deepEqual(await reloaded(), [
      'store changed; the new value applies at the next start',
      'limits.max_connections changed; the new value applies at the next start',
      'limits.keep_alive changed; the new value applies at the next start',
      'log.access changed; the new value applies at the next start',
    ])

    write('store: { type: memory }\n')
    assert.deepEqual(await reloaded(), [])
  })
})
