import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../../../src/api/http/problem.ts'
import { createReadyCache } from '../../../src/api/publish/ready-cache.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { parts } from '../served-api.ts'

describe('the ready cache', () => {
  it('rejects with 503 and the missing sources until the startup is over, then encodes once per revision', async () => {
    let isStarted = false
    let encodings = 0
    const roster = createTestRegistry()
    roster.put({ name: 'weather' })
    const { registry, supervisor } = parts(roster)
    const cache = createReadyCache({
      registry,
      supervisor: { ...supervisor, isStarted: () => isStarted, syncing: () => ['dns'] },
    })
    const encode = async () => {
      encodings += 1
      return Buffer.from('{}')
    }

    await assert.rejects(
      cache.answer('key', encode),
      (error) => error instanceof Problem && error.code === 'not_ready' && /dns/.test(error.message),
    )
    isStarted = true
    const first = await cache.answer('key', encode)
    const second = await cache.answer('key', encode)

    assert.equal(first, second)
    assert.equal(encodings, 1)
  })

  it('names the sources that have not answered in a header, for formats without a place for them', async () => {
    let syncing = ['dns', 'directory "ä"']
    const roster = createTestRegistry()
    roster.put({ name: 'weather' })
    const { registry, supervisor } = parts(roster)
    const cache = createReadyCache({ registry, supervisor: { ...supervisor, syncing: () => syncing } })
    const headersOf = async () => (await cache.answer('key', async () => Buffer.from('{}'))).headers

    assert.equal((await headersOf())['mcp-roster-syncing'], 'dns, directory%20%22%C3%A4%22')
    syncing = []
    assert.equal((await headersOf())['mcp-roster-syncing'], undefined)
  })
})
