import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProber, resultOf, startServer } from './probed-servers.ts'

describe('tcp probe', () => {
  it('succeeds when the port accepts a connection', async (t) => {
    const url = await startServer(t, () => undefined)
    const probe = createProber()

    assert.deepEqual(resultOf(await probe({ url, health_check: 'tcp' })), { ok: true, reason: 'ok' })
    assert.equal((await probe({ url: 'http://127.0.0.1:1/', health_check: 'tcp' })).reason, 'refused')
    assert.equal((await probe({ url, health_check: 'tcp' }, { reach: 'private' })).reason, 'blocked')
  })
})
