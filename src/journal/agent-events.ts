import type { AgentHappening, AgentListener } from '../agents/agent.ts'
import { type Agent, serverIdOf } from '../agents/agent.ts'
import type { JournalEvent, RecordEvent } from './event.ts'
import { changeDetails, changedFields } from './server-events.ts'

/** Records what happens to agents, in the words of the original mesh registry too. */
export function recordAgentEvents({
  record,
  source,
}: {
  record: RecordEvent
  /** Name of the source of agents. */
  source: () => string | undefined
}): AgentListener {
  return (happening) => record({ ...placeOf(happening.agent), source: source(), ...eventOf(happening) })
}

function eventOf(happening: AgentHappening): JournalEvent {
  const { type, agent } = happening
  const { agent_type, runtime } = agent.spec
  const { version } = agent.definition
  const data = () => ({ agent_type, name: agent.spec.name, version, runtime })
  switch (type) {
    case 'registered':
      return { type, event_type: 'register', principal: happening.principal, data }
    case 'unregistered':
      return { type, event_type: 'unregister', principal: happening.principal, reason: 'graceful_shutdown', data }
    case 'changed': {
      const { before, principal } = happening
      return { type, event_type: 'update', principal, data: () => agentChange(before, agent) }
    }
    case 'forgotten':
      return {
        type: 'expired',
        event_type: 'expire',
        reason: 'retention',
        isShared: true,
        data: () => ({ old_status: 'offline', new_status: 'forgotten' }),
      }
    default:
      return happening satisfies never
  }
}

function agentChange(before: Agent, now: Agent): object {
  const ofSpec = changedFields(before.spec, now.spec).filter((field) => field !== 'schemas')
  const ofDefinition = changedFields(before.definition, now.definition)
  return changeDetails(before.definition, now.definition, [...new Set([...ofDefinition, ...ofSpec])])
}

function placeOf(agent: Agent): Omit<JournalEvent, 'type'> {
  const { id, definition, spec } = agent
  return { server: serverIdOf(agent), namespace: definition.namespace, agent_id: id, agent_name: spec.name }
}
