import type { Agent } from '../agents/agent.ts'
import type { Registrar } from '../agents/registrar.ts'
import { toPutOperation } from '../agents/stored-agent.ts'
import type { Book, HeldRegistration } from './rewind.ts'

/** The agents in memory, for a store that went back. */
export function createAgentBook(agents: Registrar): Book {
  return {
    held: () => agents.list().map(heldOf),
    reset: ({ registrations, heartbeats }, kept) =>
      agents.reset(
        registrations.filter(({ kind }) => kind === 'agent'),
        heartbeats,
        new Set(agents.list().flatMap(({ id }) => (kept.has(`agent:${id}`) ? id : []))),
      ),
    replace: ({ name }, stored) => {
      agents.replace(name, stored)
      const agent = agents.peek(name)
      // Other daemons would wait for its next heartbeat.
      if (agent) agents.recordAgain(agent)
    },
  }
}

function heldOf({ id, definition, spec, ownership, stored }: Agent): HeldRegistration {
  return {
    key: { kind: 'agent', namespace: definition.namespace, name: id },
    version: stored.resource_version,
    toPut: () => ({
      ...toPutOperation({ id, definition, spec, instance_id: ownership.instance_id }, ownership.holder),
      created_at: stored.created_at,
    }),
  }
}
