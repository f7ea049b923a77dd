import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parts, serve } from '../served-api.ts'

describe('the probe of a server on demand', () => {
  const outcome = {
    ok: false,
    reason: 'refused',
    status: 'degraded',
    response_time_ms: 1,
    checked_at: 'now',
    suspected: false,
  } as const
  const monitor = { ...parts().monitor, probe: () => Promise.resolve(outcome) }

  for (const verb of ['probe', 'check']) {
    it(`returns the outcome at /${verb}`, async () => {
      await using served = await serve({ servers: [{ name: 'a/b c' }], parts: { monitor } })
      const post = (path: string) => served.get(`/servers/${path}/${verb}`, { method: 'POST' })

      const found = await post('a%2Fb%20c')
      const unknown = await post('unknown')

      assert.equal(found.status, 200)
      assert.equal(((await found.json()) as { reason: string }).reason, 'refused')
      assert.equal((await post('default/a%2Fb%20c')).status, 200)
      assert.equal(unknown.status, 404)
      assert.equal(((await unknown.json()) as { code: string }).code, 'server_not_found')
    })
  }
})
