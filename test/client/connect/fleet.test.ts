import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectServers } from '../../../src/client/connect/index.ts'
import { startMcp } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

describe('a fleet', () => {
  it('connects to the servers that a daemon finds, in both protocol eras, and calls their tools', async () => {
    await using modern = await startMcp({ name: 'modern', legacy: 'reject' })
    await using both = await startMcp({ name: 'both' })
    await using third = await startMcp({
      name: 'third',
      build: (server) => server.registerTool('tide', {}, () => ({ content: [{ type: 'text', text: 'high' }] })),
    })
    await using place = await createServerFile({
      modern: { url: modern.url, tags: ['geo'] },
      both: { url: both.url, tags: ['geo'] },
      third: { url: third.url },
    })

    await using fleet = await connectServers({ roster: place.daemon.url })

    assert.deepEqual(fleet.active.toSorted(), ['default/both', 'default/modern', 'default/third'])
    assert.deepEqual(
      fleet
        .toolList()
        .map(({ name }) => name)
        .toSorted(),
      ['both__forecast', 'modern__forecast', 'third__tide'],
    )
    const { content } = await fleet.call('forecast')
    assert.deepEqual(content, [{ type: 'text', text: 'sunny' }])
    assert.deepEqual((await fleet.call('third__tide', {})).content, [{ type: 'text', text: 'high' }])
    const { calls, errors, connected, tools } = fleet.stats()
    assert.deepEqual({ calls, errors, connected, tools }, { calls: 2, errors: 0, connected: 3, tools: 3 })
  })
})
