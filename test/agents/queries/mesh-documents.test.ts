import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Agent, AgentSpec } from '../../../src/agents/agent.ts'
import type { MeshTool } from '../../../src/agents/mesh-tool.ts'
import { createMeshDocuments, publicUrlsOf } from '../../../src/agents/queries/mesh-documents.ts'
import { testAgent } from '../fixtures.ts'

const toolWith = (schemas: Pick<MeshTool, 'input_schema_hash' | 'output_schema_hash'>): MeshTool => ({
  function_name: 'f',
  capability: 'f',
  version: '1.0.0',
  tags: [],
  dependencies: [],
  ...schemas,
})

function agentOf(id: string, created_at: string, spec: Partial<AgentSpec>): Agent {
  const agent = testAgent(id)
  return { ...agent, spec: { ...agent.spec, ...spec }, stored: { ...agent.stored, created_at } }
}

const documentsOf = (...agents: Agent[]) => createMeshDocuments({ agents: () => agents, token: () => 'e-1' })

describe('the schemas of tools', () => {
  const text = { type: 'string' }
  const number = { type: 'number' }

  it('are listed once, the newest first, with the runtime of the first agent', () => {
    const late = agentOf('late', '2026-01-02T00:00:00Z', {
      runtime: 'java',
      tools: [toolWith({ input_schema_hash: 'sha256:t', output_schema_hash: 'sha256:n' })],
      schemas: { 'sha256:t': text, 'sha256:n': number },
    })
    const early = agentOf('early', '2026-01-01T00:00:00Z', {
      tools: [toolWith({ input_schema_hash: 'sha256:t' })],
      schemas: { 'sha256:t': text },
    })

    assert.deepEqual(
      [...documentsOf(late, early).schemas().values()],
      [
        { hash: 'sha256:n', canonical: number, runtime_origin: 'java', created_at: '2026-01-02T00:00:00Z' },
        { hash: 'sha256:t', canonical: text, runtime_origin: 'unknown', created_at: '2026-01-01T00:00:00Z' },
      ],
    )
  })

  it('leave out those that consumers expect, and hashes without a schema', () => {
    const agent = agentOf('a', '2026-01-01T00:00:00Z', {
      tools: [toolWith({ input_schema_hash: 'sha256:missing' })],
      schemas: { 'sha256:expected': text },
    })

    assert.deepEqual([...documentsOf(agent, testAgent('plain')).schemas()], [])
  })
})

describe('the surfaces of A2A agents', () => {
  const surface = { path: '/a2a/weather', skill_id: 'weather' }

  it('are those of agents of the type "a2a", by agent', () => {
    const [b, a, other] = (['b', 'a', 'other'] as const).map((id) =>
      agentOf(id, '2026-01-01T00:00:00Z', {
        agent_type: id === 'other' ? 'mcp_agent' : 'a2a',
        surfaces: [surface],
      }),
    ) as [Agent, Agent, Agent]

    assert.deepEqual(documentsOf(b, a, other).surfaces(), [
      { agent_id: 'a', surface },
      { agent_id: 'b', surface },
    ])
  })

  it('have public addresses where a public URL is known', () => {
    assert.deepEqual(publicUrlsOf(surface, undefined), {})
    for (const path of ['/a2a/weather', 'a2a/weather'])
      assert.deepEqual(publicUrlsOf({ ...surface, path }, 'https://agents.example.org'), {
        public_url: 'https://agents.example.org/a2a/weather',
        agent_card_url: 'https://agents.example.org/a2a/weather/.well-known/agent.json',
      })
  })
})
