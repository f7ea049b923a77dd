import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meshed } from '../api/mesh/test-mesh-api.ts'
import { running } from './command-runner.ts'

async function startMesh() {
  const api = await meshed()
  const beat = (agent_id: string, ...tools: readonly object[]) =>
    api.post('/heartbeat', { agent_id, agent_type: 'mcp_agent', http_host: '10.0.0.1', http_port: 9000, tools })
  await beat('old', { function_name: 'now', capability: 'clock', version: '1.0.0' })
  await beat('new', { function_name: 'now', capability: 'clock', version: '2.0.0' })
  await beat('beta', { function_name: 'now', capability: 'clock', version: '3.0.0-beta' })
  const dependencies = [
    { capability: 'clock', version: '>=1', required: true },
    { capability: 'none', tags: ['a', ['b', 'c']] },
  ]
  await beat('greeter', { function_name: 'greet', capability: 'greeting', dependencies })
  return api
}

describe('mcp-roster explain', () => {
  it('shows each dependency with its provider, the reason and the candidates', async () => {
    await using api = await startMesh()

    const { code, out, err } = await running(['explain', 'greeter', '--url', api.served.url])

    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      [
        'greeter (namespace default, healthy)',
        '',
        'greet',
        '  1. clock (version >=1, required): new now at http://10.0.0.1:9000',
        '     the highest version: 2.0.0, the next has 1.0.0',
        '     *  new now   2.0.0       healthy  chosen, score 0',
        '     <  old now   1.0.0       healthy  outranked, score 0',
        '     -  beta now  3.0.0-beta  healthy  out at version: VersionConstraintFailed {"version":"3.0.0-beta","constraint":">=1"}',
        '  2. none (tags a one of b|c): no provider',
        '     no agent offers this capability',
        '',
      ].join('\n'),
    )
  })

  it('prints JSON, and says that an agent has no dependencies', async () => {
    await using api = await startMesh()

    const { out } = await running(['explain', 'greeter', '-o', 'json', '--url', api.served.url])
    const plain = await running(['explain', 'old', '--url', api.served.url])

    const { functions } = JSON.parse(out) as { functions: { function_name: string }[] }
    assert.equal(functions[0]?.function_name, 'greet')
    assert.equal(plain.out, 'old (namespace default, healthy)\nNo function has a dependency.\n')
  })

  it('fails for an unknown agent, and for anything but one id', async () => {
    await using api = await startMesh()

    const unknown = await running(['explain', 'unknown', '--url', api.served.url])

    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /unknown/)
    assert.equal((await running(['explain'])).code, 2)
    assert.equal((await running(['explain', 'a', 'b'])).code, 2)
  })
})
