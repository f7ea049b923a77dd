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
})
