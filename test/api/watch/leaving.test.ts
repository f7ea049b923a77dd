import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { installed, startProgram } from '../../real.ts'
import { createTestRegistry } from '../../roster.ts'
import { limits, serveWatch, shortly, untilTrue } from './served.ts'

/** Only Linux lets a program have its own system drop what it is sent. */
const vanishing = process.platform === 'linux' ? installed('python3') : undefined

describe('a watcher who goes, or does not read', () => {
  it('forgets whoever goes, whenever they go', async () => {
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
    assert.equal(daemon.watch.counts().audiences, 0)
    assert.deepEqual(daemon.errors, [])
  })

  it('cuts who does not read what happens, with a reason, and nobody else', async () => {
    const roster = createTestRegistry()
    // It is not that what it has missed is forgotten.
    const journal = createChangeLog({ registry: roster.registry, maxBytes: 1_000_000_000 })
    await using daemon = await serveWatch({ roster, journal, limits: () => limits({ max_buffer_bytes: 1_000_000 }) })
    const reader = await daemon.follow('/servers/watch')
    const stuck = connect(daemon.port, '127.0.0.1')
    stuck.on('error', () => {})
    stuck.write('GET /servers/watch HTTP/1.1\r\nhost: localhost\r\n\r\n')
    stuck.pause()
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    let round = 0
    for (; daemon.watch.counts().cut.behind === 0 && round < 3000; round += 1) {
      daemon.put({ name: 'a', description: `${round} ${'x'.repeat(9000)}` })
      if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }

    assert.equal(daemon.watch.counts().cut.behind, 1)
    await reader.until(() => reader.told.length === round + 1, 'every change')
    stuck.destroy()
    await untilTrue(() => daemon.watch.counts().watchers === 1)
  })

  it('lets who reads slowly have a long picture, whatever the budget', async () => {
    await using daemon = await serveWatch({ limits: () => limits({ max_buffer_bytes: 65_536 }) })
    daemon.put(...Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))
    // Then the picture is there already, and it is the reader who is waited for when something changes.
    const first = await daemon.follow('/servers/watch')
    await first.upTo('BOOKMARK')

    const watcher = await daemon.follow('/servers/watch')
    watcher.response.pause()
    await untilTrue(() => daemon.waitedFor() === 1)
    daemon.put({ name: 'late' })
    watcher.response.resume()

    assert.equal((await watcher.upTo('BOOKMARK')).length, 3001)
    assert.deepEqual(shortly(await watcher.next()), ['ADDED late'])
    assert.deepEqual(daemon.watch.counts().cut, { behind: 0, stalled: 0, shutdown: 0 })
  })

  it('lets go of who has vanished without a word', { skip: !vanishing && 'there is no python3 on Linux' }, async () => {
    await using daemon = await serveWatch({ askMs: { idle: 1000, again: 1000, times: 2 } })
    const stays = await daemon.follow('/servers/watch')
    await using peer = await startProgram(vanishing ?? '', () =>
      Promise.resolve([resolve('test/api/watch/vanishing.py'), String(daemon.port)]),
    )
    await untilTrue(() => daemon.watch.counts().watchers === 2)

    await untilTrue(() => daemon.watch.counts().watchers === 1)

    daemon.put({ name: 'a' })
    assert.deepEqual(shortly(await stays.next(2)), ['BOOKMARK', 'ADDED a'])
    assert.equal(peer.output(), 'vanished\n')
  })

  it(
    'lets go of who has vanished, though something was written to him since',
    { skip: !vanishing && 'there is no python3 on Linux' },
    async () => {
      await using daemon = await serveWatch({ vanished: { everyMs: 100, times: 3 } })
      const stays = await daemon.follow('/servers/watch')
      await using peer = await startProgram(vanishing ?? '', () =>
        Promise.resolve([resolve('test/api/watch/vanishing.py'), String(daemon.port)]),
      )
      await untilTrue(() => peer.output().includes('vanished'))

      daemon.put({ name: 'a' })
      await untilTrue(() => daemon.watch.counts().watchers === 1)

      daemon.put({ name: 'b' })
      assert.deepEqual(shortly(await stays.next(3)), ['BOOKMARK', 'ADDED a', 'ADDED b'])
    },
  )

  it('cuts who has read nothing at all for too long', async () => {
    await using daemon = await serveWatch({ heartbeatMs: 20, stallMs: 100 })
    daemon.put(...Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}`, description: 'x'.repeat(5000) })))

    const watcher = await daemon.follow('/servers/watch')
    watcher.response.pause()

    await untilTrue(() => daemon.watch.counts().cut.stalled === 1)
  })
})
