import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serve } from '../served-api.ts'

describe('the AI catalogue', () => {
  it('holds the card of every enabled server, and allows caching for five minutes', async () => {
    const weather = {
      name: 'weather',
      title: 'Weather',
      version: '2.1.0',
      tags: ['geo'],
      url: 'https://weather.example/mcp',
    }
    await using served = await serve({ servers: [weather, { name: 'off', enabled: false }] })

    const answer = await served.get('/.well-known/ai-catalog.json')

    assert.equal(answer.headers.get('content-type'), 'application/ai-catalog+json')
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=300')
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.deepEqual(await answer.json(), {
      specVersion: '1.0',
      host: { displayName: 'test' },
      entries: [
        {
          identifier: 'urn:air:test.internal:internal.test:weather',
          displayName: 'Weather',
          type: 'application/mcp-server-card+json',
          description: 'Weather',
          version: '2.1.0',
          tags: ['geo'],
          data: {
            $schema: 'https://static.modelcontextprotocol.io/schemas/2025-09-29/server.schema.json',
            name: 'internal.test/weather',
            description: 'Weather',
            version: '2.1.0',
            title: 'Weather',
            remotes: [{ type: 'streamable-http', url: 'https://weather.example/mcp' }],
            _meta: {
              'io.mcp-roster/via': ['test-instance'],
              'io.modelcontextprotocol.registry/publisher-provided': {
                'io.github.stacklok': {
                  'https://weather.example/mcp': { status: 'active', tools: [], tags: ['geo'] },
                },
              },
            },
          },
        },
      ],
    })
  })

  it('is an empty list where no server exists', async () => {
    await using served = await serve({ servers: [] })

    const { entries } = (await (await served.get('/.well-known/ai-catalog.json')).json()) as { entries: unknown[] }

    assert.deepEqual(entries, [])
  })
})
