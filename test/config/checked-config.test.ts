import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { checkConfig } from '../../src/config/checked-config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { temporary } from '../e2e/daemon-process.ts'

describe('a checked config', () => {
  it('names the sources that would start, restart and end, and each setting that differs', async () => {
    using folder = temporary()
    const file = folder.at('config.yaml')
    const load = (text: string) => {
      writeFileSync(file, text)
      return loadConfig({ flags: { config: file }, env: {} })
    }
    const current = await load(
      'sources: [{ type: env, name: kept }, { type: env, name: gone }, { type: agents }]\nstore: { type: memory }\n',
    )
    const check = (text: string) => checkConfig({ load: () => load(text), current, atStart: current })

    const changed = await check(
      'sources: [{ type: env, name: kept, expand: true }, { type: agents }, { type: env, name: new }]\nstore: { type: memory }\nauth: { tokens: [{ name: ops, token: secret-0123456789abcdef, role: admin }] }\n',
    )
    const broken = await check('sources: 3\n')

    assert.ok(changed.isValid)
    assert.deepEqual(changed.sources, { added: ['new'], changed: ['kept'], removed: ['gone'] })
    assert.ok(changed.changed.some(({ path, after }) => path === 'auth.tokens[0].token' && after === '<redacted>'))
    assert.deepEqual(changed.needs_restart, [])
    assert.ok(!JSON.stringify(changed).includes('0123456789abcdef'))
    assert.ok(!broken.isValid)
    assert.match(broken.reason, /sources/)
  })
})
