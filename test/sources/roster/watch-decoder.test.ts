import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRemoteServers } from '../../../src/sources/roster/remote-servers.ts'
import {
  createWatchDecoder,
  parseRosterWatchEvent,
  type RosterWatchEvent,
} from '../../../src/sources/roster/watch-decoder.ts'

const options = { remoteInstance: 'remote', isOwnInstance: () => false, trustHealth: false }
const server = (name: string) => ({ id: `default/${name}`, name, namespace: 'default', url: `http://${name}.example` })

function open({ isFresh = true } = {}) {
  const servers = createRemoteServers({
    url: 'http://remote',
    maxServers: 10,
    maxTotalBytes: 1000,
    select: (entry) => entry,
  })
  return createWatchDecoder(servers, options, { isFresh })
}

const decode = (decoder: ReturnType<typeof open>, event: RosterWatchEvent) =>
  decoder.decode(event, JSON.stringify(event).length)

describe('the watch decoder of the source roster', () => {
  it('yields a picture at the first bookmark', () => {
    const decoder = open()
    assert.equal(decode(decoder, { type: 'ADDED', server: server('weather'), token: '1' }), undefined)
    const picture = decode(decoder, { type: 'BOOKMARK', token: '2' })
    assert.ok(picture?.type === 'picture')
    assert.deepEqual(
      picture.readings.map(({ origin }) => origin),
      ['http://remote', 'http://remote/servers/default/weather'],
    )
    assert.equal(decoder.token(), '2')
  })

  it('yields one change for the events of one revision', () => {
    const decoder = open({ isFresh: false })
    assert.equal(decode(decoder, { type: 'ADDED', server: server('weather') }), undefined)
    const change = decode(decoder, { type: 'ADDED', server: server('maps'), token: '7' })
    assert.ok(change?.type === 'change')
    assert.equal(change.readings.length, 2)
    assert.equal(decoder.token(), '7')
  })

  it('starts a new picture at a resync, and forgets its token', () => {
    const decoder = open({ isFresh: false })
    decode(decoder, { type: 'ADDED', server: server('weather'), token: '7' })
    assert.equal(decode(decoder, { type: 'RESYNC' }), undefined)
    assert.equal(decoder.token(), undefined)
    const picture = decode(decoder, { type: 'BOOKMARK', token: '9' })
    assert.ok(picture?.type === 'picture')
    assert.deepEqual(
      picture.readings.map(({ origin }) => origin),
      ['http://remote'],
    )
  })

  it('keeps the last event of a server in a revision only', () => {
    const decoder = open({ isFresh: false })
    for (let count = 0; count < 100; count += 1)
      decode(decoder, { type: count % 2 === 0 ? 'ADDED' : 'DELETED', server: server('weather') })

    const change = decode(decoder, { type: 'ADDED', server: server('maps'), token: '7' })

    assert.ok(change?.type === 'change')
    assert.deepEqual(
      change.readings.map(({ origin }) => origin),
      ['http://remote/servers/default/maps'],
    )
  })

  for (const isFresh of [true, false])
    it(`rejects ${isFresh ? 'a picture' : 'a revision'} that is larger than the roster may be`, () => {
      const decoder = open({ isFresh })

      assert.throws(() => {
        for (let count = 0; count < 9; count += 1)
          decode(decoder, { type: 'ADDED', server: { ...server(`s${count}`), description: 'x'.repeat(100) } })
      }, /more than 1000 bytes \(max_total_bytes\)/)
    })

  it('rejects servers that are larger together than the roster may be, in whatever revisions they come', () => {
    const decoder = open({ isFresh: false })
    const put = (name: string, token: string) =>
      decode(decoder, { type: 'MODIFIED', server: { ...server(name), description: 'x'.repeat(300) }, token })

    for (let count = 0; count < 20; count += 1) put('same', String(count))
    put('other', '20')
    decode(decoder, { type: 'DELETED', server: server('same'), token: '21' })
    assert.equal(put('third', '22')?.type, 'change')
    assert.throws(() => put('fourth', '23'), /max_total_bytes/)
  })

  it('ignores unknown events', () => {
    assert.equal(decode(open(), { type: 'NEWS', token: '1' }), undefined)
  })

  it('rejects a line that is not an object, without quoting it', () => {
    for (const line of ['secret', '7', 'null'])
      assert.throws(
        () => parseRosterWatchEvent(line),
        (error: Error) => /not an event/.test(error.message) && !error.message.includes('secret'),
      )
  })
})
