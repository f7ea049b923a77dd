import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { findDeadPeers } from '../../../src/api/watch/dead-peers.ts'
import { installed, startProgram } from '../../programs.ts'
import { serveWatch, summaryOf, untilTrue } from './watch-server.ts'

/** Only on Linux can the peer make its kernel drop every packet. */
const python = process.platform === 'linux' ? installed('python3') : undefined
const skip = python ? false : 'no python3 on Linux'

describe('a dead peer', () => {
  it('is closed when it answers no keep-alive probe', { skip }, async () => {
    await using daemon = await serveWatch({ tcpKeepAlive: { idleMs: 1000, intervalMs: 1000, probes: 2 } })
    const stays = await daemon.follow('/servers/watch')
    await using peer = await startProgram(python ?? '', () =>
      Promise.resolve([resolve('test/api/watch/silent-peer.py'), String(daemon.port)]),
    )
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'a' })
    assert.deepEqual(summaryOf(await stays.next(2)), ['BOOKMARK', 'ADDED a'])
    assert.equal(peer.output(), 'silent\n')
  })

  it('is closed when it acknowledges no data', { skip }, async () => {
    await using daemon = await serveWatch({ deadPeers: { intervalMs: 100, minRetransmits: 3 } })
    const stays = await daemon.follow('/servers/watch')
    await using peer = await startProgram(python ?? '', () =>
      Promise.resolve([resolve('test/api/watch/silent-peer.py'), String(daemon.port)]),
    )
    await untilTrue(() => peer.output().includes('silent'))

    daemon.put({ name: 'a' })
    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'b' })
    assert.deepEqual(summaryOf(await stays.next(3)), ['BOOKMARK', 'ADDED a', 'ADDED b'])
  })

  it('is not found among live connections', async () => {
    await using daemon = await serveWatch()
    const watcher = await daemon.follow('/servers/watch')
    await watcher.upTo('BOOKMARK')

    const isDead = await findDeadPeers(1)

    assert.ok(!isDead || !isDead(watcher.response.socket))
  })
})
