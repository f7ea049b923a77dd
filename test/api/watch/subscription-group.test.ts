import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { constants, gunzipSync } from 'node:zlib'
import { pending } from '../../../src/api/watch/pieces/frames.ts'
import { gzipStart } from '../../../src/api/watch/pieces/gzip.ts'
import { createSubscriptionGroup, expired } from '../../../src/api/watch/subscription-group.ts'
import { serverSelection } from '../../../src/api/watch/watch-selection.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry } from '../../test-registry.ts'

const forms = {
  sse: { format: 'sse', encoding: null },
  lines: { format: 'lines', encoding: null },
  array: { format: 'array', encoding: null },
  packed: { format: 'sse', encoding: 'gzip' },
} as const

/** A group of watchers of `tag=x`, with counts of its work. `onEncode` runs with each encoding. */
function createGroup({ onEncode = () => {} }: { onEncode?: () => void } = {}) {
  const roster = createTestRegistry()
  const changeLog = createChangeLog({ registry: roster.registry, maxChanges: 2000 })
  const counts = { snapshots: 0, changes: 0, encodings: 0 }
  const counting = (json: () => Buffer) => () => {
    counts.encodings += 1
    onEncode()
    return json()
  }
  const parsed = parseQuery(new URLSearchParams('tag=x'))
  assert.ok('query' in parsed)
  const { snapshot, events, ...rest } = serverSelection(parsed.query, roster.registry.select)
  const encoded = Promise.withResolvers<void>()
  const group = createSubscriptionGroup({
    selection: {
      ...rest,
      snapshot: () => ((counts.snapshots += 1), snapshot().map(counting)),
      events: (change) => (
        (counts.changes += 1),
        events(change).map(({ type, json }) => ({ type, json: counting(json) }))
      ),
    },
    changeLog,
    registry: roster.registry,
    runSerially: (work) => void work(),
    onEncoded: encoded.resolve,
    onError: (error) => assert.fail(String(error)),
  })
  return { ...roster, changeLog, group, counts, encoded: encoded.promise }
}

const textOf = (encoded: ReturnType<ReturnType<typeof createGroup>['group']['after']>) =>
  typeof encoded === 'string' ? encoded : Buffer.concat(encoded.pieces.map(({ bytes }) => bytes)).toString()

describe('a subscription group', () => {
  it('encodes its snapshot and each change once for all watchers', () => {
    const { put, group, counts } = createGroup()
    put({ name: 'a', tags: ['x'] }, { name: 'b' })

    assert.equal(group.snapshot(forms.sse), group.snapshot(forms.sse))
    assert.deepEqual(counts, { snapshots: 1, changes: 0, encodings: 1 })
    put({ name: 'b', tags: ['x'] })
    assert.equal(group.after(1, forms.sse), group.after(1, forms.sse))
    assert.deepEqual(counts, { snapshots: 1, changes: 1, encodings: 2 })
  })

  it('compresses its snapshot and each change once for all watchers', async () => {
    const { put, group, counts, encoded } = createGroup()
    put({ name: 'a', tags: ['x'] })

    assert.equal(group.snapshot(forms.packed), group.snapshot(forms.packed))
    assert.equal(group.after(0, forms.packed), group.after(0, forms.packed))
    assert.deepEqual(counts, { snapshots: 1, changes: 1, encodings: 2 })
    const description = 'weather '.repeat(1000)
    put(...Array.from({ length: 3 }, (_, index) => ({ name: `s${index}`, tags: ['x'], description })))
    assert.equal(group.after(1, forms.packed), pending)
    await encoded
    const events = group.after(1, forms.packed)
    assert.ok(typeof events === 'object' && events.bytes < 1000)
    assert.equal(group.after(1, forms.packed), events)
  })

  it('compresses a change once for all watchers that read the same before, and shorter for it', () => {
    const { put, group } = createGroup()
    const server = { name: 'a', tags: ['x'], description: randomBytes(500).toString('hex') }
    put(server)
    const before = group.after(0, forms.packed)
    assert.ok(typeof before === 'object')
    const lastText = before.pieces.at(-1)?.text
    put({ ...server, version: '2.0.0' })

    const alone = group.after(1, forms.packed)
    const following = group.after(1, forms.packed, lastText)

    assert.ok(typeof alone === 'object' && typeof following === 'object')
    assert.ok(following.bytes < alone.bytes / 3)
    assert.equal(group.after(1, forms.packed, lastText), following)
    const stream = [gzipStart, ...before.pieces, ...following.pieces].map(({ bytes }) => bytes)
    const text = gunzipSync(Buffer.concat(stream), { finishFlush: constants.Z_SYNC_FLUSH }).toString()
    assert.equal(text, textOf(group.after(0, forms.sse)) + textOf(group.after(1, forms.sse)))
  })

  it('sends what changes during the encoding of a long snapshot after it', async () => {
    const { put, group, counts, changeLog, encoded } = createGroup({
      onEncode: () => {
        if (counts.encodings === 1) put({ name: 's299', tags: ['x'], version: '2.0.0' })
      },
    })
    put(...Array.from({ length: 300 }, (_, index) => ({ name: `s${index}`, tags: ['x'] })))

    assert.equal(group.snapshot(forms.sse), pending)
    await encoded
    const snapshot = group.snapshot(forms.sse)

    assert.ok(typeof snapshot === 'object')
    assert.ok(snapshot.revision < changeLog.newest())
    assert.doesNotMatch(textOf(snapshot), /2\.0\.0/)
    assert.match(textOf(group.after(snapshot.revision, forms.sse)), /2\.0\.0/)
  })

  it('encodes for each format apart', () => {
    const { put, group } = createGroup()
    put({ name: 'a', tags: ['x'] })

    assert.match(textOf(group.after(0, forms.sse)), /^id: e-1\.\w{32}\nevent: ADDED\n/)
    assert.match(textOf(group.after(0, forms.lines)), /^\{"type":"ADDED","token":"e-1\.\w{32}"/)
    assert.match(textOf(group.after(0, forms.array)), /^,\{"type":"ADDED"/)
  })

  it('shows the current servers to a further watcher after a change', () => {
    const { put, group } = createGroup()
    put({ name: 'a', tags: ['x'] })
    group.snapshot(forms.sse)
    put({ name: 'b', tags: ['x'] })

    const snapshot = group.snapshot(forms.sse)

    assert.ok(typeof snapshot !== 'string')
    assert.equal(snapshot.revision, 2)
    assert.match(textOf(snapshot), /"name":"a".*"name":"b".*id: e-2\.\w{32}\nevent: BOOKMARK/s)
  })

  it('encodes a long batch in the background', async () => {
    const { put, group, encoded } = createGroup()
    put(...Array.from({ length: 1000 }, (_, index) => ({ name: `s${index}`, tags: ['x'] })))

    assert.equal(group.after(0, forms.lines), pending)
    assert.equal(group.after(0, forms.lines), pending)
    await encoded

    const events = group.after(0, forms.lines)
    assert.ok(typeof events !== 'string' && events.pieces.length > 1 && events.revision === 1)
  })

  it('reports events that the change log has dropped as expired', () => {
    const { put, group } = createGroup()
    for (let index = 0; index < 2001; index += 1) put({ name: 'a', version: String(index) })

    assert.equal(group.after(0, forms.sse), expired)
  })

  it('evicts encoded events and old snapshots', () => {
    const { put, group, counts } = createGroup()
    put({ name: 'a', tags: ['x'] })
    group.after(0, forms.sse)
    group.snapshot(forms.sse)

    group.evict(performance.now() + 2000)
    group.after(0, forms.sse)
    group.snapshot(forms.sse)

    assert.deepEqual(counts, { snapshots: 2, changes: 2, encodings: 4 })
  })
})
