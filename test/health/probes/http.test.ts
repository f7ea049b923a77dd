import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProber, resultOf, startServer } from './probed-servers.ts'

describe('http probe', () => {
  it('accepts a 2xx or 401, and reads only the beginning of the body', async (t) => {
    const gone = Promise.withResolvers<void>()
    let sent = 0
    const url = await startServer(t, (request, response) => {
      if (request.url === '/302') return response.writeHead(302, { location: '/200' }).end()
      if (request.url !== '/endless') return response.writeHead(Number(request.url?.slice(1))).end()
      response.on('close', gone.resolve)
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
      }
      response.on('drain', pour)
      return pour()
    })
    const probePath = async (path: string) =>
      resultOf(await createProber()({ health_check_url: url + path, health_check: 'http' }))

    assert.deepEqual(await probePath('/200'), { ok: true, reason: 'ok' })
    assert.deepEqual(await probePath('/204'), { ok: true, reason: 'ok' })
    assert.deepEqual(await probePath('/302'), { ok: false, reason: 'http_status' })
    assert.deepEqual(await probePath('/404'), { ok: false, reason: 'http_status' })
    assert.deepEqual(await probePath('/503'), { ok: false, reason: 'http_status' })
    assert.deepEqual(await probePath('/401'), { ok: true, reason: 'auth_required' })
    assert.deepEqual(await probePath('/endless'), { ok: true, reason: 'ok' })
    await gone.promise
    assert.ok(sent < 20_000_000, `${sent} bytes were sent`)
  })

  it('does not wait for an endless body', async (t) => {
    const url = await startServer(t, (request, response) => {
      response.writeHead(200).write('.')
      if (request.url === '/held') return
      const drip = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(drip))
    })
    for (const path of ['/held', '/drip']) {
      const finding = await createProber()({ health_check_url: url + path, health_check: 'http' })
      assert.deepEqual(resultOf(finding), { ok: true, reason: 'ok' }, path)
      assert.ok(finding.response_time_ms < 5000, path)
    }
  })

  it('reports why there was no response', async (t) => {
    const url = await startServer(t, () => undefined)
    const probe = createProber()

    assert.equal((await probe({ health_check_url: url, health_check: 'http' }, { timeoutMs: 100 })).reason, 'timeout')
    assert.equal((await probe({ health_check_url: 'http://127.0.0.1:1/', health_check: 'http' })).reason, 'refused')
  })
})
