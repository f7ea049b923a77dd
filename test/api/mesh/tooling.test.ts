import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meshed } from './test-mesh-api.ts'

describe('the routes of jobs', () => {
  it('answer 501 with the reason', async () => {
    await using mesh = await meshed()
    for (const [method, path] of [
      ['GET', '/jobs'],
      ['GET', '/jobs/j1'],
      ['GET', '/jobs/j1/events'],
      ['POST', '/jobs'],
      ['POST', '/jobs/batch'],
      ['POST', '/jobs/j1/cancel'],
      ['POST', '/jobs/j1/reclaim'],
      ['POST', '/jobs/j1/release'],
      ['POST', '/jobs/j1/events'],
      ['POST', '/api/v1/jobs'],
    ] as const) {
      const { status, body } = await mesh.send(method, path, method === 'POST' ? {} : undefined)

      assert.deepEqual([status, body['code']], [501, 'jobs_not_served'], `${method} ${path}`)
      assert.match(String(body['error']), /keeps no jobs/)
    }
  })

  it('tell a polling agent that there is no job to claim', async () => {
    await using mesh = await meshed()

    for (const body of [{ agent_id: 'a', limit: 1 }, undefined])
      assert.equal((await mesh.send('POST', '/jobs/claim', body)).status, 204)
    assert.equal((await mesh.get('/jobs/claim')).status, 501, 'a job may have this id')
  })
})
