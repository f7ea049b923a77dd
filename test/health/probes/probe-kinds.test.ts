import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProber, resultOf, startServer } from './probed-servers.ts'

describe('probe headers', () => {
  it('are the server’s own, only for its own origin, without unresolved placeholders', async (t) => {
    const seen: Record<string, string | string[] | undefined>[] = []
    const url = await startServer(t, ({ headers }, response) => {
      seen.push(headers)
      response.writeHead(401).end()
    })
    const other = await startServer(t, ({ headers }, response) => {
      seen.push(headers)
      response.end()
    })
    const headers = { Authorization: 'Bearer mine', 'X-Open': '${TOKEN}', Accept: 'nonsense' }
    const probe = createProber()

    await probe({ url, headers })
    assert.equal(seen[0]?.['authorization'], 'Bearer mine')
    assert.equal(seen[0]?.['x-open'], undefined)
    assert.equal(seen[0]?.['accept'], 'application/json, text/event-stream')
    await probe({ url, headers, health_check: 'http', health_check_url: `${url}/health` })
    assert.equal(seen[1]?.['authorization'], 'Bearer mine')
    await probe({ url, headers, health_check: 'http', health_check_url: `${other}/health` })
    assert.equal(seen[2]?.['authorization'], undefined)
  })
})

describe('probe of a server that cannot be probed', () => {
  it('fails with the reason, without a request', async () => {
    const probe = createProber()

    assert.equal((await probe({ enabled: false })).reason, 'disabled')
    assert.equal((await probe({ health_check: 'none' })).reason, 'not_checkable')
    assert.equal((await probe({ url: 'http://${HOST}/mcp' })).reason, 'not_checkable')
  })
})

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

describe('tcp probe', () => {
  it('succeeds when the port accepts a connection', async (t) => {
    const url = await startServer(t, () => undefined)
    const probe = createProber()

    assert.deepEqual(resultOf(await probe({ url, health_check: 'tcp' })), { ok: true, reason: 'ok' })
    assert.equal((await probe({ url: 'http://127.0.0.1:1/', health_check: 'tcp' })).reason, 'refused')
    assert.equal((await probe({ url, health_check: 'tcp' }, { reach: 'private' })).reason, 'blocked')
  })
})
