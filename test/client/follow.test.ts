import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectRoster, type Resumption } from '../../src/client/index.ts'
import { until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'

describe('following a real daemon', () => {
  it('shows only the asked fields, reads gzip, and says that it missed nothing', async () => {
    await using daemon = await startHere('health: { enabled: false }\n')
    const connections = new Set<AbortController>()
    const encodings: (string | null)[] = []
    const roster = connectRoster({
      url: daemon.url,
      maxPauseMs: 5,
      async fetch(url, init) {
        const breaking = new AbortController()
        const signal = AbortSignal.any([breaking.signal, ...(init?.signal ? [init.signal] : [])])
        const response = await fetch(url, { ...init, signal })
        if (!response.url.includes('/watch')) return response
        encodings.push(response.headers.get('content-encoding'))
        connections.add(breaking)
        return response
      },
    })
    const agent = (agent_id: string) => roster.register({ agent_id, endpoint: 'http://127.0.0.1:9', tags: ['geo'] })
    await agent('one')
    const resumptions: Resumption[] = []
    await using following = await roster.follow(
      { fields: ['name', 'status'] },
      { onResume: (resumption) => void resumptions.push(resumption) },
    )
    const token = following.token()

    await agent('two')
    await until(() => following.servers.has('default/two'))
    const seen = following.token()
    for (const connection of connections) connection.abort(new Error('the line broke'))
    await until(() => resumptions.length === 1)
    for (const connection of connections) connection.abort(new Error('the line broke'))
    await agent('three')
    await until(() => following.servers.has('default/three'))

    assert.notEqual(seen, token)
    assert.deepEqual(resumptions, [
      { exact: true, token: seen },
      { exact: true, token: seen },
    ])
    assert.deepEqual(encodings, ['gzip', 'gzip', 'gzip'])
    assert.deepEqual(Object.keys(following.servers.get('default/three') ?? {}).toSorted(), [
      'id',
      'name',
      'source',
      'status',
    ])
  })
})
