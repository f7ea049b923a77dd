import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { AgentHappening } from '../../src/agents/agent.ts'
import { recordAgentEvents } from '../../src/journal/agent-events.ts'
import type { JournalEvent } from '../../src/journal/event.ts'
import { createTestMesh, registrarOf } from '../agents/test-mesh.ts'

it('the events of agents name the caller, what changed, and the original’s words', async () => {
  const events: JournalEvent[] = []
  const listener = recordAgentEvents({ record: (event) => void events.push(event), source: () => 'agents' })
  const happenings: AgentHappening[] = []
  await using mesh = createTestMesh({ onAgent: (happening) => (happenings.push(happening), listener(happening)) })
  const ann = registrarOf('ann')
  await mesh.registerAgent(
    'planner',
    { endpoint: 'http://a.example/mcp', version: '1.0.0', capabilities: ['plan'] },
    ann,
  )
  await mesh.registerAgent(
    'planner',
    { endpoint: 'http://a.example/mcp', version: '1.0.0', capabilities: ['plan'] },
    ann,
  )
  await mesh.registerAgent(
    'planner',
    { endpoint: 'http://b.example/mcp', version: '2.0.0', capabilities: ['see'] },
    ann,
  )
  const agent = mesh.agents.get('planner')
  assert.ok(agent)
  await mesh.unregister('planner', { principal: ann })
  listener({ type: 'forgotten', agent })

  assert.deepEqual(
    happenings.map(({ type }) => type),
    ['registered', 'changed', 'unregistered'],
  )
  assert.deepEqual(
    events.map(({ type, event_type, server, agent_id, source, principal, reason }) =>
      [type, event_type, server, agent_id, source, principal, reason].join(' '),
    ),
    [
      'registered register default/planner planner agents ann ',
      'changed update default/planner planner agents ann ',
      'unregistered unregister default/planner planner agents ann graceful_shutdown',
      'expired expire default/planner planner agents  retention',
    ],
  )
  const change = events[1]?.data?.() as { fields: string[]; changes: object; capabilities: object } | undefined
  assert.ok(change)
  const { fields, changes, capabilities } = change
  assert.ok(fields.includes('url') && fields.includes('version'))
  assert.deepEqual(changes, {
    url: ['http://a.example/mcp', 'http://b.example/mcp'],
    version: ['1.0.0', '2.0.0'],
  })
  assert.deepEqual(capabilities, { added: ['see'], removed: ['plan'] })
})
