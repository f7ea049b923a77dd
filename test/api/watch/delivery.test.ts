import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { limits, serveWatch, summaryOf, untilTrue } from './watch-server.ts'

describe('the delivery to a watcher', () => {
  it('ends and frees everything when the client disconnects at any moment', async () => {
    await using daemon = await serveWatch()
    daemon.put(...Array.from({ length: 300 }, (_, index) => ({ name: `s${index}` })))

    for (let round = 0; round < 100; round += 1) {
      const socket = connect(daemon.port, '127.0.0.1')
      socket.on('error', () => {})
      const path = round % 3 === 0 ? '/servers?watch=true' : round % 3 === 1 ? '/servers?index=e-1' : '/servers/watch'
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
      if (round % 2 === 0) socket.once('data', () => socket.resetAndDestroy())
      else setTimeout(() => socket.destroy(), round % 10)
      if (round % 7 === 0) daemon.put({ name: `s${round}`, tags: ['t'] })
    }

    await untilTrue(() => daemon.watch.counts().watchers === 0)
    assert.equal(daemon.watch.counts().groups, 0)
    assert.deepEqual(daemon.errors, [])
  })

  it('disconnects a client that falls behind its buffer, and no other', async () => {
    const roster = createTestRegistry()
    // Large enough that no change expires.
    const changeLog = createChangeLog({ registry: roster.registry, maxBytes: 1_000_000_000 })
    await using daemon = await serveWatch({ roster, changeLog, limits: () => limits({ max_buffer_bytes: 1_000_000 }) })
    const reader = await daemon.follow('/servers/watch')
    const stuck = connect(daemon.port, '127.0.0.1')
    stuck.on('error', () => {})
    stuck.write('GET /servers/watch HTTP/1.1\r\nhost: localhost\r\n\r\n')
    stuck.pause()
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    let round = 0
    for (; daemon.watch.counts().disconnects.behind === 0 && round < 3000; round += 1) {
      daemon.put({ name: 'a', description: `${round} ${'x'.repeat(9000)}` })
      if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }

    assert.equal(daemon.watch.counts().disconnects.behind, 1)
    await reader.until(() => reader.events.length === round + 1, 'every change')
    stuck.destroy()
    await untilTrue(() => daemon.watch.counts().watchers === 1)
  })

  it('cuts the clients furthest behind where all together hold more than the buffer of all', async () => {
    await using daemon = await serveWatch({ limits: () => limits({ max_total_buffer_bytes: 32_000_000 }) })
    daemon.put(...Array.from({ length: 2000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))
    const reader = await daemon.follow('/servers/watch')
    await reader.upTo('BOOKMARK')

    // Each has a filter of its own, so that they share nothing: 10 MB each.
    for (let count = 0; count < 6; count += 1) {
      const stuck = await daemon.follow(`/servers/watch?label_selector=!x${count}`)
      stuck.response.pause()
    }
    await untilTrue(() => daemon.watch.counts().disconnects.memory >= 3)
    await untilTrue(() => daemon.watch.counts().watchers <= 4)
    daemon.put({ name: 'late' })

    assert.deepEqual(summaryOf(await reader.next()), ['ADDED late'])
    assert.ok(daemon.watch.counts().bufferedBytes <= 32_000_000)
    assert.ok(daemon.watch.counts().bufferedBytes > 0)
  })

  it('counts events that many clients share once', async () => {
    await using daemon = await serveWatch({ limits: () => limits({ max_total_buffer_bytes: 32_000_000 }) })
    daemon.put(...Array.from({ length: 2000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))
    const first = await daemon.follow('/servers/watch')
    await first.upTo('BOOKMARK')

    const follow = async () => {
      const follower = await daemon.follow('/servers/watch')
      follower.response.pause()
      return follower
    }
    const stuck = await Promise.all(Array.from({ length: 20 }, follow))
    await untilTrue(() => daemon.blockedSockets() === 20)

    assert.ok(daemon.watch.counts().bufferedBytes < 25_000_000)
    for (const { response } of stuck) response.resume()
    await Promise.all(stuck.map((one) => one.upTo('BOOKMARK')))
    assert.equal(daemon.watch.counts().disconnects.memory, 0)
    await untilTrue(() => daemon.watch.counts().bufferedBytes === 0)
  })

  it('sends a snapshot longer than the buffer to a client that reads slowly', async () => {
    await using daemon = await serveWatch({ limits: () => limits({ max_buffer_bytes: 65_536 }) })
    daemon.put(...Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))
    // The first watcher has the snapshot encoded, so that the second one waits for its own socket only.
    const first = await daemon.follow('/servers/watch')
    await first.upTo('BOOKMARK')

    const watcher = await daemon.follow('/servers/watch')
    watcher.response.pause()
    await untilTrue(() => daemon.blockedSockets() === 1)
    daemon.put({ name: 'late' })
    watcher.response.resume()

    assert.equal((await watcher.upTo('BOOKMARK')).length, 3001)
    assert.deepEqual(summaryOf(await watcher.next()), ['ADDED late'])
    assert.deepEqual(daemon.watch.counts().disconnects, { behind: 0, stalled: 0, memory: 0, shutdown: 0 })
  })

  it('disconnects a client that reads nothing for the stall time', async () => {
    await using daemon = await serveWatch({ heartbeatMs: 20, stallMs: 100 })
    daemon.put(...Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))

    const watcher = await daemon.follow('/servers/watch')
    watcher.response.pause()

    await untilTrue(() => daemon.watch.counts().disconnects.stalled === 1)
  })
})
