import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectRoster, RosterError } from '../../src/client/index.ts'
import { serve } from '../api/served-api.ts'

describe('a roster client that selects servers', () => {
  it('picks one server, and answers several queries as of one revision', async () => {
    await using api = await serve({
      servers: [
        { name: 'weather', tags: ['geo'] },
        { name: 'ill', status: 'unhealthy' },
      ],
    })
    const roster = connectRoster({ url: api.url })

    const { picks } = await roster.pick({ tag: 'geo', strategy: 'sticky', key: 'user-1' })
    const { results, resource_version } = await roster.query([{ tag: ['geo'] }, { sort: 'colour' as 'name' }])

    assert.deepEqual(
      picks.map(({ server, reason }) => [server.id, reason]),
      [['default/weather', 'highest hash for this key of 1']],
    )
    assert.deepEqual(
      results.map(({ servers, problem }) => servers?.map(({ id }) => id) ?? problem?.parameter),
      [['default/weather'], 'sort'],
    )
    assert.equal(resource_version, api.roster.registry.token())
  })

  it('rejects a pick without a result, and says what matched', async () => {
    await using api = await serve({ servers: [{ name: 'ill', status: 'unhealthy' }] })
    const roster = connectRoster({ url: api.url })

    await assert.rejects(roster.pick({ name: 'ill' }), (error) => {
      assert.ok(error instanceof RosterError)
      return error.status === 503 && error.code === 'provider_unavailable' && error.problem?.['matched'] === 1
    })
    await assert.rejects(roster.pick({ name: 'none' }), { status: 404, code: 'provider_not_found' })
    await assert.rejects(roster.query([]), { status: 400, code: 'invalid_parameter' })
  })
})
