import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'

const config = `sources: [{ type: agents }]
store: { type: memory }
auth:
  tokens:
    - { name: team, token: team-token, role: admin, namespaces: [team-a] }
    - { name: all, token: all-token, role: admin }
    - { name: dev, token: my-secret-token }
`

describe('an admin of some namespaces', () => {
  for (const path of [
    '/-/reload',
    '/-/trust-probes',
    '/sources/agents/refresh',
    '/sources/agents/release',
    '/discover',
  ]) {
    it(`may not POST ${path}, which affects all namespaces`, async () => {
      await using daemon = await startHere(config)
      const post = (token: string) =>
        daemon.ask<{ code: string; detail: string }>('POST', path, undefined, { authorization: `Bearer ${token}` })

      const refused = await post('team-token')

      assert.deepEqual([refused.status, refused.body.code], [403, 'namespace_forbidden'], refused.text)
      assert.match(refused.body.detail, /all namespaces/)
      assert.equal((await post('all-token')).status, 200)
    })
  }
})

describe('GET /health', () => {
  it('warns of tokens that guides publish, without their value', async () => {
    await using daemon = await startHere(config)

    const { status, body, text } = await daemon.ask<{ status: string; warnings: string[] }>('GET', '/health')

    assert.deepEqual([status, body.status], [200, 'healthy'])
    assert.match(body.warnings.join(), /^auth\.tokens\[2\]\.token is a value that guides publish/)
    assert.doesNotMatch(text, /my-secret-token/)
  })
})
