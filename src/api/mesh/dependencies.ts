import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { parseAgentQuery } from '../../agents/queries/query-parameters.ts'
import type { AgentMatch } from '../../agents/queries/views.ts'
import type { ApiContext, ApiResponse } from '../http/context.ts'
import { respondJson } from '../http/respond.ts'
import { respondItems } from './json-list.ts'
import { agentIdIn, parametersOf } from './mesh-request.ts'

type DependencyOperations = Pick<MeshOperations, 'find' | 'dependenciesOf' | 'explain' | 'token'>

/** Handlers for the dependencies of agents: the whole graph, and why an agent has the providers that it has. */
export function dependencyHandlers(mesh: DependencyOperations) {
  function list(c: ApiContext): ApiResponse {
    const { agents, next } = mesh.find(parseAgentQuery(parametersOf(c)))
    const members = { resource_version: mesh.token(), ...(next === undefined ? {} : { continue: next }) }
    function* encode(match: AgentMatch): Generator<void, string> {
      return JSON.stringify({ ...headOf(match), ...(yield* mesh.dependenciesOf(match.agent)) })
    }
    return respondItems(c, { name: 'agents', items: agents, encode, members })
  }

  async function show(c: ApiContext): Promise<Response> {
    const { agent, ...explanation } = await mesh.explain(agentIdIn(c))
    return respondJson(c, { ...headOf(agent), ...explanation })
  }

  return { list, show }
}

function headOf({ agent, server }: AgentMatch): object {
  return {
    agent_id: agent.id,
    name: agent.spec.name,
    namespace: agent.definition.namespace,
    status: server?.status ?? agent.lease.status,
  }
}
