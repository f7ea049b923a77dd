import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serveWatch, shortly, type Told, untilTrue } from './served.ts'

describe('a long poll', () => {
  type Answer = { events: Told[]; resource_version: string }

  it('answers with what followed its token, at once where there is any', async () => {
    await using daemon = await serveWatch()
    const token = daemon.registry.token()
    daemon.put({ name: 'a' })
    daemon.change([{ name: 'b' }], ['a'])

    const { status, json } = await daemon.ask(`/servers?index=${token}&wait=30s`)
    const answer = json() as Answer

    assert.equal(status, 200)
    assert.deepEqual(shortly(answer.events).toSorted(), ['ADDED a', 'ADDED b', 'DELETED a'])
    assert.equal(answer.resource_version, daemon.registry.token())
  })

  it('waits for something that it asked for', async () => {
    await using daemon = await serveWatch()
    const asked = daemon.ask(`/servers?index=${daemon.registry.token()}&tag=x`)
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'a' })
    daemon.put({ name: 'b', tags: ['x'] })
    const answer = (await asked).json() as Answer

    assert.deepEqual(shortly(answer.events), ['ADDED b'])
    assert.equal(answer.resource_version, daemon.registry.token())
  })

  it('comes back empty, with the newest token, when nothing happens', async () => {
    await using daemon = await serveWatch()
    const asked = daemon.ask(`/servers?index=${daemon.registry.token()}&wait=50ms&tag=x`)
    daemon.put({ name: 'a' })

    assert.deepEqual((await asked).json(), { events: [], resource_version: daemon.registry.token() })
  })

  it('answers 410 to a token from which there is no going on', async () => {
    await using daemon = await serveWatch()

    for (const token of ['other-0', 'e-7', 'nonsense']) {
      const { status, json } = await daemon.ask(`/servers?index=${token}&wait=30s`)
      assert.equal(status, 410)
      assert.match((json() as { reason: string }).reason, /^(epoch|future|malformed)/)
    }
  })

  it('is answered when the daemon goes down', async () => {
    await using daemon = await serveWatch()
    const asked = daemon.ask(`/servers?index=${daemon.registry.token()}`)
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    await daemon.watch.close()

    assert.equal((await asked).status, 200)
  })
})
