import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meshed } from '../api/mesh/test-mesh-api.ts'
import { answering, json, running } from './command-runner.ts'

const servers = [
  { name: 'near', url: 'http://near.example/mcp', labels: { zone: 'a' }, capabilities: ['forecast'] },
  { name: 'far', url: 'http://far.example/mcp', labels: { zone: 'b' }, capabilities: ['forecast'] },
  { name: 'ill', status: 'unhealthy' as const },
]

describe('mcp-roster pick', () => {
  it('prints the picks with their addresses and reasons', async () => {
    await using api = await meshed({ servers })
    const url = ['--url', api.served.url]

    const { code, out, err } = await running(['pick', '--tool', 'forecast', '--zone', 'a', '-c', '2', ...url])
    const name = await running(['pick', '--capability', 'forecast', '--zone', 'b', '-o', 'name', ...url])
    const json = await running(['pick', '--name', 'far', '--strategy', 'sticky', '--key', 'k', '--json', ...url])

    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      [
        'near  http://near.example/mcp  same zone a; random of 1',
        'far   http://far.example/mcp   elsewhere than a; random of 1',
        '',
      ].join('\n'),
    )
    assert.equal(name.out, 'far\n')
    assert.equal(
      (JSON.parse(json.out) as { picks: { reason: string }[] }).picks[0]?.reason,
      'highest hash for this key of 1',
    )
  })

  it('fails where no server can be picked, with what matched', async () => {
    await using api = await meshed({ servers })

    const { code, err } = await running(['pick', '--name', 'ill', '--url', api.served.url])

    assert.deepEqual([code, err], [1, '1 server matches, and it is not healthy: 1 unhealthy.\n'])
  })

  it('passes every filter on to the daemon', async () => {
    await using daemon = await answering(json({ picks: [], count: 0 }))
    const options = [
      '--any-tag',
      'a',
      '--any-tag',
      'b',
      '--query',
      'rain',
      '--fuzzy-match',
      'true',
      '--enabled',
      'true',
    ]
    const more = ['--version-constraint', '^1', '--prompt', 'p', '--resource', 'r', '--extension', 'e', '-n', 'team']

    await running(['pick', ...options, ...more, '--strategy', 'fastest', '--region', 'r', '--url', daemon.url])

    const given = new URL(daemon.requests[0]?.url ?? '', daemon.url).searchParams
    assert.deepEqual(Object.fromEntries(given), {
      any_tag: 'b',
      q: 'rain',
      fuzzy_match: 'true',
      enabled: 'true',
      version_constraint: '^1',
      prompt: 'p',
      resource: 'r',
      extension: 'e',
      namespace: 'team',
      strategy: 'fastest',
      region: 'r',
    })
    assert.deepEqual(given.getAll('any_tag'), ['a', 'b'])
  })
})
