import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serveWatch, summaryOf } from './watch-server.ts'

describe('subscription groups', () => {
  it('join watchers whose filters mean the same, however they are spelled', async () => {
    await using daemon = await serveWatch()
    const first = await daemon.follow('/servers/watch?tag=x&status=')
    const same = await daemon.follow('/api/v1/servers?watch=1&tag=x&tag=x')
    const other = await daemon.follow('/servers/watch?tag=y')
    for (const watcher of [first, same, other]) await watcher.upTo('BOOKMARK')

    assert.equal(daemon.watch.counts().groups, 2)
    daemon.put({ name: 'a', tags: ['x'] }, { name: 'b', tags: ['y'] })

    assert.deepEqual(summaryOf(await first.next()), ['ADDED a'])
    assert.deepEqual(summaryOf(await same.next()), ['ADDED a'])
    assert.deepEqual(summaryOf(await other.next()), ['ADDED b'])
  })
})
