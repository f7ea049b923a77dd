import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
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

describe('one server', () => {
  it('says where in its file it is defined, without a revision when it only moved', async () => {
    await using daemon = await startHere()
    const file = daemon.folder.at('servers.yaml')
    const text = 'servers:\n  weather:\n    url: http://weather.test/mcp\n    health_check: none\n'
    writeFileSync(file, text)
    await daemon.reload(`sources: [{ type: file, paths: [${JSON.stringify(file)}] }]`)
    type Shown = { readonly where?: string; readonly resource_version: string }
    const show = async () => await daemon.ask<Shown>('GET', '/servers/default/weather')
    const first = await until(async () => {
      const shown = await show()
      return shown.status === 200 && shown
    })
    assert.equal(first.body.where, 'line 2, servers.weather')
    const list = await daemon.ask<{ servers: Shown[] }>('GET', '/servers?view=full')
    assert.equal(list.body.servers[0]?.where, undefined)

    const next = daemon.folder.at('next')
    writeFileSync(next, `# moved\n${text}`)
    renameSync(next, file)
    await until(async () => (await show()).body.where === 'line 3, servers.weather')
    const moved = await show()
    assert.equal(moved.body.resource_version, first.body.resource_version)
    assert.notEqual(moved.headers.get('etag'), first.headers.get('etag'))
  })
})
