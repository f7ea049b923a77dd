import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRemoteServers } from '../../../src/sources/roster/remote-servers.ts'
import { createWatchDecoder, parseRosterWatchEvent } from '../../../src/sources/roster/watch-decoder.ts'

const options = { remoteInstance: 'remote', isOwnInstance: () => false, trustHealth: false }
const server = (name: string) => ({ id: `default/${name}`, name, namespace: 'default', url: `http://${name}.example` })

function open({ isFresh = true } = {}) {
  const servers = createRemoteServers({ url: 'http://remote', maxServers: 10, select: (entry) => entry })
  return createWatchDecoder(servers, options, { isFresh })
}

describe('the watch decoder of the source roster', () => {
  it('yields a picture at the first bookmark', () => {
    const decoder = open()
    assert.equal(decoder.decode({ type: 'ADDED', server: server('weather'), token: '1' }), undefined)
    const picture = decoder.decode({ type: 'BOOKMARK', token: '2' })
    assert.ok(picture?.type === 'picture')
    assert.deepEqual(
      picture.readings.map(({ origin }) => origin),
      ['http://remote', 'http://remote/servers/default/weather'],
    )
    assert.equal(decoder.token(), '2')
  })

  it('yields one change for the events of one revision', () => {
    const decoder = open({ isFresh: false })
    assert.equal(decoder.decode({ type: 'ADDED', server: server('weather') }), undefined)
    const change = decoder.decode({ type: 'ADDED', server: server('maps'), token: '7' })
    assert.ok(change?.type === 'change')
    assert.equal(change.readings.length, 2)
    assert.equal(decoder.token(), '7')
  })

  it('starts a new picture at a resync, and forgets its token', () => {
    const decoder = open({ isFresh: false })
    decoder.decode({ type: 'ADDED', server: server('weather'), token: '7' })
    assert.equal(decoder.decode({ type: 'RESYNC' }), undefined)
    assert.equal(decoder.token(), undefined)
    const picture = decoder.decode({ type: 'BOOKMARK', token: '9' })
    assert.ok(picture?.type === 'picture')
    assert.deepEqual(
      picture.readings.map(({ origin }) => origin),
      ['http://remote'],
    )
  })

  it('ignores unknown events', () => {
    assert.equal(open().decode({ type: 'NEWS', token: '1' }), undefined)
  })

  it('rejects a line that is not an object, without quoting it', () => {
    for (const line of ['secret', '7', 'null'])
      assert.throws(
        () => parseRosterWatchEvent(line),
        (error: Error) => /not an event/.test(error.message) && !error.message.includes('secret'),
      )
  })
})
