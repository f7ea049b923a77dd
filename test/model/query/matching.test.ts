import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Capability } from '../../../src/model/capability.ts'
import { matching } from '../../../src/model/query/matching.ts'
import { parseQuery } from '../../../src/model/query/query-parser.ts'
import type { Server } from '../../../src/model/server.ts'
import { server } from '../../builders.ts'

const learned = (name: string, kind: Capability['kind']): Capability => ({
  name,
  version: '1.0.0',
  stability: 'stable',
  tags: [],
  kind,
  origin: 'introspected',
})

const weather: Partial<Server> = {
  name: 'weather',
  title: 'Weather Station',
  description: 'Knows the rain. token=hunter2',
  tags: ['geo', 'free'],
  labels: { env: 'prod' },
  status: 'offline',
  capabilities: [
    {
      name: 'forecast',
      version: '1.2.0',
      category: 'sky',
      stability: 'stable',
      tags: ['hourly'],
      kind: 'tool',
      origin: 'declared',
    },
    {
      name: 'history',
      version: '2.0.0',
      category: 'past',
      stability: 'beta',
      tags: [],
      kind: 'tool',
      origin: 'declared',
    },
    learned('rain-guide', 'prompt'),
    learned('file:///rain.csv', 'resource'),
    learned('io.modelcontextprotocol/ui', 'extension'),
    { ...learned('lookup', 'declared'), origin: 'declared' },
    { ...learned('greeting', 'declared'), origin: 'declared', function_name: 'greet' },
  ],
}

describe('a filter on a server', () => {
  for (const [parameters, matches] of [
    ['', true],
    ['namespace=default&name=weather', true],
    ['name=Weather', false],
    ['tag=geo&tag=free', true],
    ['tag=geo&tag=paid', false],
    ['any_tag=paid,free', true],
    ['status=expired', true],
    ['status=healthy,offline', true],
    ['status=healthy&status=pending', false],
    ['type=http&enabled=TRUE', true],
    ['enabled=0', false],
    ['label_selector=env%3Dprod,!x', true],
    ['capability=forecast', true],
    ['capability=forecas', false],
    ['capability=forcast&fuzzy_match=true', true],
    ['capability=*', true],
    ['capability_category=sky&capability_stability=stable&capability_tags=x,hourly', true],
    ['capability_category=sky&capability_stability=beta', false],
    ['capability=forecast&version_constraint=^2', false],
    ['capability=history&version_constraint=^2', true],
    ['version_constraint=^2', true],
    ['tool=forecast', true],
    ['tool=none&tool=history', true],
    ['tool=rain-guide', false],
    ['tool=lookup', true],
    ['tool=greet', true],
    ['tool=greeting', true],
    ['capability=greet', false],
    ['prompt=greet', false],
    ['prompt=rain-guide', true],
    ['prompt=forecast', false],
    ['resource=file:///rain.csv', true],
    ['extension=io.modelcontextprotocol/ui', true],
    ['extension=rain-guide', false],
    ['tool=forecast&prompt=rain-guide&resource=none', false],
    ['q=RAIN', true],
    ['q=rain+station', true],
    ['q=rain+sun', false],
    ['q=hist', true],
    ['q=wether', false],
    ['q=wether&fuzzy_match=1', true],
    // Redacted text is not found.
    ['q=hunter2', false],
    ['q=token', true],
  ] as const) {
    it(`${matches ? 'matches' : 'does not match'} ${parameters || 'the empty query'}`, () => {
      const parsed = parseQuery(new URLSearchParams(parameters))

      assert.ok('query' in parsed, JSON.stringify(parsed))
      assert.equal(matching(parsed.query)(server(weather)), matches)
    })
  }
})
