import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serveWatch, summaryOf, type WatchEvent, untilTrue } from './watch-server.ts'

describe('a long poll', () => {
  type PollBody = { events: WatchEvent[]; resource_version: string }

  it('answers at once with the events after its token', async () => {
    await using daemon = await serveWatch()
    const token = daemon.registry.token()
    daemon.put({ name: 'a' })
    daemon.change([{ name: 'b' }], ['a'])

    const { status, json } = await daemon.ask(`/servers?index=${token}&wait=30s`)
    const answer = json() as PollBody

    assert.equal(status, 200)
    assert.deepEqual(summaryOf(answer.events).toSorted(), ['ADDED a', 'ADDED b', 'DELETED a'])
    assert.equal(answer.resource_version, daemon.registry.token())
  })

  it('waits for an event of its selection', async () => {
    await using daemon = await serveWatch()
    const response = daemon.ask(`/servers?index=${daemon.registry.token()}&tag=x`)
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'a' })
    daemon.put({ name: 'b', tags: ['x'] })
    const answer = (await response).json() as PollBody

    assert.deepEqual(summaryOf(answer.events), ['ADDED b'])
    assert.equal(answer.resource_version, daemon.registry.token())
  })

  it('answers with no events and the newest token after its wait', async () => {
    await using daemon = await serveWatch()
    const response = daemon.ask(`/servers?index=${daemon.registry.token()}&wait=50ms&tag=x`)
    daemon.put({ name: 'a' })

    assert.deepEqual((await response).json(), { events: [], resource_version: daemon.registry.token() })
  })

  it('answers 410 to a token that cannot be resumed', async () => {
    await using daemon = await serveWatch()

    for (const token of ['other-0', 'e-7', 'nonsense']) {
      const { status, headers, json } = await daemon.ask(`/servers?index=${token}&wait=30s`)
      const { code, reason } = json() as { code: string; reason: string }
      assert.equal(status, 410)
      assert.equal(headers['retry-after'], '1')
      assert.equal(code, 'index_expired')
      assert.match(reason, /^(epoch|future|malformed)/)
    }
  })

  it('is answered when the daemon shuts down', async () => {
    await using daemon = await serveWatch()
    const response = daemon.ask(`/servers?index=${daemon.registry.token()}`)
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    await daemon.watch.close()

    assert.equal((await response).status, 200)
  })
})
