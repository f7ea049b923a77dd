import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openSource, SourceConfig } from '../../src/sources/catalogue.ts'
import { keepsTheSourceContract } from '../contracts/source.ts'
import { follow } from '../source-follower.ts'
import { toolsWith } from './source-tools.ts'

keepsTheSourceContract({
  name: 'env',
  open: (names) => {
    const servers = Object.fromEntries(names.map((name) => [name, { command: 'python' }]))
    return { source: envSource({ MCP_SERVERS: JSON.stringify({ servers }) }) }
  },
  unsupported: { publish: 'the environment of a process cannot change' },
})

describe('the source env', () => {
  it('has no servers and no error when its variable is unset or empty', async () => {
    for (const variables of [{}, { MCP_SERVERS: '' }] as Record<string, string>[])
      assert.deepEqual((await shownBy(variables)).sightings, [{ type: 'picture', readings: [] }])
  })

  it('reads YAML and JSON from the configured variable', async () => {
    const seen = await shownBy({ TEAM_SERVERS: 'weather: {url: "http://w.example/mcp"}' }, { variable: 'TEAM_SERVERS' })
    assert.deepEqual(seen.names(), ['weather'])
    assert.deepEqual([...seen.origins.keys()], ['TEAM_SERVERS'])
  })

  for (const [what, text, message] of [
    ['blank', '  \n', 'document is blank; write `servers: {}` if there are no servers'],
    ['broken', '{"servers": {"a": {"url": "sk-secret" ', 'JSON ends too early'],
  ] as const) {
    it(`reports a ${what} value without showing it`, async () => {
      const error = (await shownBy({ MCP_SERVERS: text })).origins.get('MCP_SERVERS')?.error
      assert.equal(error?.message, message)
      assert.equal(error?.class, 'config')
    })
  }

  it('expands other variables only with expand: true', async () => {
    const variables = { MCP_SERVERS: '[{"name": "a", "url": "http://${HOST_OF_A}/mcp"}]', HOST_OF_A: 'a.example' }

    const literal = await shownBy(variables)
    const expanded = await shownBy(variables, { expand: true })

    assert.deepEqual(urlsOf(literal), ['http://${HOST_OF_A}/mcp'])
    assert.deepEqual(urlsOf(expanded), ['http://a.example/mcp'])
  })

  it('leaves an unset variable as it is, even one named like a property of Object', async () => {
    const variables = { MCP_SERVERS: '[{"name": "a", "url": "http://${constructor}/${toString:-mcp}"}]' }

    const expanded = await shownBy(variables, { expand: true })

    assert.deepEqual(urlsOf(expanded), ['http://${constructor}/mcp'])
  })

  it('ends after its picture', async () => {
    const seen = await shownBy({ MCP_SERVERS: '{"servers": []}' })
    assert.equal(seen.state(), 'ended')
  })
})

function envSource(variables: Record<string, string>, options: Record<string, unknown> = {}) {
  return openSource(SourceConfig.parse({ type: 'env', ...options }), toolsWith({ env: variables }))
}

async function shownBy(variables: Record<string, string>, options?: Record<string, unknown>) {
  const seen = follow(envSource(variables, options))
  await seen.until('it ends', () => seen.state() === 'ended')
  return seen
}

function urlsOf(seen: Awaited<ReturnType<typeof shownBy>>): unknown[] {
  return [...seen.origins.values()].flatMap(({ entries }) =>
    entries.map((entry) => ('value' in entry ? (entry.value as { url?: unknown }).url : entry)),
  )
}
