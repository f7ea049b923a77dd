import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProber, startServer } from './probed-servers.ts'

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
