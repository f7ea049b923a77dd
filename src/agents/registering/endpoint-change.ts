import { ServerDefinition } from '../../model/server.ts'
import type { AgentTable } from '../agent-table.ts'
import type { Agent } from '../agent.ts'
import { AgentConflict, RegistrationProblem } from '../errors.ts'
import { endpointAddress } from '../parsing/normalize.ts'
import type { HolderResolver, Register } from './registration.ts'

/** Changes of the endpoint alone, which heartbeats bring. */
export function createEndpointChange({ table, register }: { table: Pick<AgentTable, 'get'>; register: Register }) {
  /** Changes an agent's endpoint, also if the agent changed meanwhile; undefined where it has been removed. */
  async function changeEndpoint(agent: Agent, endpoint: string, holderOf?: HolderResolver): Promise<Agent | undefined> {
    // The kind of address decides which of these fields a definition has.
    const { args: _args, env: _env, headers: _headers, ...rest } = agent.definition
    const definition = ServerDefinition.safeParse({ ...rest, ...endpointAddress(endpoint) })
    if (!definition.success) throw new RegistrationProblem('endpoint', "Validation failed: 'endpoint' must be a URL")
    const { id, ownership, stored } = agent
    try {
      const request = {
        id,
        definition: definition.data,
        spec: { ...agent.spec, endpoint },
        instance_id: ownership.instance_id,
        takeover: true,
        countsAsHeartbeat: false,
        expectedVersion: stored.resource_version,
      }
      return (await register(request, holderOf)).agent
    } catch (error) {
      const current = table.get(id)
      if (!(error instanceof AgentConflict) || current?.stored === stored) throw error
      return current === undefined || current.spec.endpoint === endpoint
        ? current
        : changeEndpoint(current, endpoint, holderOf)
    }
  }

  return changeEndpoint
}
