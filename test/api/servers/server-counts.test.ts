import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serve } from '../served-api.ts'

const json = async <T>(response: Response) => (await response.json()) as T

describe('the counts of servers', () => {
  it('hold the fields of the original registry', async () => {
    const servers = [
      { name: 'a', tags: ['x', 'y'] },
      { name: 'b', tags: ['x'], enabled: false },
      { name: 'c', status: 'unhealthy', type: 'sse' },
    ] as const
    await using served = await serve({ servers })

    const stats = await json<Record<string, unknown>>(await served.get('/stats'))
    const tags = await json<Record<string, unknown>>(await served.get('/tags'))

    assert.deepEqual(tags['tags'], { x: 2, y: 1 })
    assert.equal(stats['total_servers'], 3)
    assert.equal(stats['enabled_servers'], 2)
    assert.equal(stats['unhealthy_servers'], 1)
    assert.deepEqual(stats['discovery_methods'], { config_file: 3 })
    assert.deepEqual(stats['by_type'], { http: 2, sse: 1 })
  })

  it('of a filter are those of the servers that it selects, until they change', async () => {
    const servers = [
      { name: 'a', tags: ['x', 'y'] },
      { name: 'b', tags: ['x'], enabled: false, namespace: 'team-a' },
      { name: 'c', tags: ['y'], status: 'unhealthy' },
    ] as const
    await using served = await serve({ servers })

    const response = await served.get('/stats?tag=x')
    const stats = await json<Record<string, unknown>>(response)
    const again = await served.get('/stats?tag=x', { headers: { 'if-none-match': response.headers.get('etag') ?? '' } })
    const invalid = await served.get('/stats?tag=x&limit=3')

    assert.equal(stats['total_servers'], 2)
    assert.deepEqual(stats['by_tag'], { x: 2, y: 1 })
    assert.deepEqual(stats['by_namespace'], { default: 1, 'team-a': 1 })
    assert.deepEqual([stats['disabled_servers'], stats['unhealthy_servers']], [1, 0])
    assert.equal(again.status, 304)
    assert.deepEqual([invalid.status, (await json<{ parameter: string }>(invalid)).parameter], [400, 'limit'])
  })
})
