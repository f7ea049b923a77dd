import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSubscriptionGroup, making } from '../../../src/api/watch/subscription-group.ts'
import { serversAsked } from '../../../src/api/watch/watch-selection.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../roster.ts'
import { serveWatch, shortly } from './served.ts'

function world() {
  const roster = createTestRegistry()
  const journal = createChangeLog({ registry: roster.registry })
  const counted = { pictures: 0, looks: 0, encodings: 0 }
  const counting = (json: () => Buffer) => () => ((counted.encodings += 1), json())
  const parsed = parseQuery(new URLSearchParams('tag=x'))
  assert.ok('query' in parsed)
  const { picture, events, ...subject } = serversAsked(parsed.query, roster.registry.select)
  const made = Promise.withResolvers<void>()
  const audience = createSubscriptionGroup({
    subject: {
      ...subject,
      picture: () => ((counted.pictures += 1), picture().map(counting)),
      events: (change) => (
        (counted.looks += 1),
        events(change).map(({ type, json }) => ({ type, json: counting(json) }))
      ),
    },
    journal,
    registry: roster.registry,
    inTurn: (work) => void work(),
    ready: made.resolve,
  })
  return { ...roster, journal, audience, counted, made: made.promise }
}

describe('an audience', () => {
  it('has its picture and each change worked out once, however many ask', () => {
    const { put, audience, counted } = world()
    put({ name: 'a', tags: ['x'] }, { name: 'b' })

    assert.equal(audience.picture('sse'), audience.picture('sse'))
    assert.deepEqual(counted, { pictures: 1, looks: 0, encodings: 1 })
    put({ name: 'b', tags: ['x'] })
    assert.equal(audience.after(1, 'sse'), audience.after(1, 'sse'))
    assert.deepEqual(counted, { pictures: 1, looks: 1, encodings: 2 })
  })

  it('shows newcomers what there is now', () => {
    const { put, audience } = world()
    put({ name: 'a', tags: ['x'] })
    audience.picture('sse')
    put({ name: 'b', tags: ['x'] })

    const picture = audience.picture('sse')

    assert.ok(typeof picture !== 'string')
    assert.equal(picture.revision, 2)
    assert.match(
      Buffer.concat(picture.pieces.map(({ bytes }) => bytes)).toString(),
      /"name":"a".*"name":"b".*id: e-2\nevent: BOOKMARK/s,
    )
  })

  it('makes what is long in the background, and says when it is made', async () => {
    const { put, audience, made } = world()
    put(...Array.from({ length: 1000 }, (_, index) => ({ name: `s${index}`, tags: ['x'] })))

    assert.equal(audience.after(0, 'lines'), making)
    assert.equal(audience.after(0, 'lines'), making)
    await made

    const events = audience.after(0, 'lines')
    assert.ok(typeof events !== 'string' && events.pieces.length > 1 && events.revision === 1)
  })

  it('is one for however its filter is spelled, and another for another filter', async () => {
    await using daemon = await serveWatch()
    const one = await daemon.follow('/servers/watch?tag=x&status=')
    const same = await daemon.follow('/api/v1/servers?watch=1&tag=x&tag=x')
    const other = await daemon.follow('/servers/watch?tag=y')
    for (const watcher of [one, same, other]) await watcher.upTo('BOOKMARK')

    assert.equal(daemon.watch.counts().audiences, 2)
    daemon.put({ name: 'a', tags: ['x'] }, { name: 'b', tags: ['y'] })

    assert.deepEqual(shortly(await one.next()), ['ADDED a'])
    assert.deepEqual(shortly(await same.next()), ['ADDED a'])
    assert.deepEqual(shortly(await other.next()), ['ADDED b'])
  })
})
