import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createLog, silent } from '../../src/log.ts'
import { StoreConfig } from '../../src/stores/config.ts'
import { openStore } from '../../src/stores/open.ts'
import { freePort } from './databases/port.ts'

describe('opening a store', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('opens the store of the config', async () => {
    await using memory = await openStore(StoreConfig.parse({ type: 'memory' }), { log: silent })
    await using sqlite = await openStore(StoreConfig.parse({ type: 'sqlite', path: join(folder, 'a.db') }), {
      log: silent,
    })

    assert.equal(memory.type, 'memory')
    assert.equal(sqlite.type, 'sqlite')
  })

  it('falls back to memory with a warning where the config names no store', async () => {
    const lines: string[] = []
    const log = createLog({ destination: { write: (line: string) => void lines.push(line) } })
    const config = StoreConfig.parse({ type: 'sqlite', path: '/proc/roster/roster.db' })

    await using store = await openStore(config, { log, orMemory: true })

    assert.equal(store.type, 'memory')
    assert.match(lines.join(''), /kept in memory/)
    await assert.rejects(openStore(config, { log }), { name: 'StoreUnavailable' })
  })

  it('does not fall back to memory where the file is foreign', async () => {
    const path = join(folder, 'notes.txt')
    writeFileSync(path, 'not a database\n'.repeat(100))

    await assert.rejects(openStore(StoreConfig.parse({ type: 'sqlite', path }), { log: silent, orMemory: true }), {
      name: 'StoreRefusal',
    })
  })

  for (const type of ['postgres', 'mysql'] as const) {
    it(`reports host and port of an unreachable ${type} without the password`, async () => {
      const port = await freePort()
      const config = StoreConfig.parse({ type, url: `${type}://user:hush@127.0.0.1:${port}/roster` })

      await assert.rejects(openStore(config, { log: silent }), (error: Error) => {
        assert.equal(error.name, 'StoreUnavailable')
        assert.ok(
          error.message.includes(`${type} at 127.0.0.1:${port}/roster cannot be reached: ECONNREFUSED`),
          error.message,
        )
        assert.ok(!error.message.includes('hush'))
        return true
      })
    })

    it(`times out on a ${type} that accepts a connection and never responds`, async () => {
      const server = createServer((socket) => void socket.on('error', () => {}))
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve)
      })
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      const config = StoreConfig.parse({ type, host: '127.0.0.1', port, timeout: 0.5 })

      await assert.rejects(openStore(config, { log: silent }), { name: 'StoreUnavailable' })
      server.close()
    })
  }
})
