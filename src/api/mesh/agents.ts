import { hash } from 'node:crypto'
import { UnknownAgent } from '../../agents/errors.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { parseCapabilityQuery } from '../../agents/queries/query-parameters.ts'
import { healthView } from '../../agents/queries/status-views.ts'
import { heartbeatPayloadView } from '../../agents/queries/views.ts'
import type { ApiContext, ApiResponse } from '../http/context.ts'
import { isDryRun } from '../http/parameters.ts'
import { jsonReply } from '../http/reply.ts'
import { respond, respondJson, respondNoContent } from '../http/respond.ts'
import { createAgentList } from './agent-list.ts'
import { respondItems } from './json-list.ts'
import { agentIdIn, expectedVersion, headersOf, parametersOf } from './mesh-request.ts'

/** Handlers for registered agents and their capabilities. */
export function agentHandlers(mesh: MeshOperations) {
  function capabilities(c: ApiContext): ApiResponse {
    const selected = mesh.capabilities(parseCapabilityQuery(parametersOf(c)))
    return respondItems(c, {
      name: 'capabilities',
      items: selected.flatMap(({ server, capabilities: some }) => some.map((capability) => ({ server, capability }))),
      encode: ({ server, capability }) => JSON.stringify(mesh.capabilityView(server, capability)),
      members: { resource_version: mesh.token() },
    })
  }

  function show(c: ApiContext): ApiResponse {
    const agent = mesh.get(agentIdIn(c))
    const body = Buffer.from(
      JSON.stringify({ ...mesh.agentView(agent), ...heartbeatPayloadView(mesh.heartbeatPayload(agent.agent.id)) }),
    )
    const etag = `"${agent.agent.stored.resource_version};${hash('sha1', body, 'base64url').slice(0, 12)}"`
    return respond(c, jsonReply(body, { etag }))
  }

  async function remove(c: ApiContext): Promise<Response> {
    const id = agentIdIn(c)
    const isRehearsed = isDryRun(c.env.incoming.url ?? '')
    const expected = await expectedVersion(headersOf(c), mesh, id)
    try {
      await mesh.unregister(id, { principal: c.env.principal, expectedVersion: expected, isRehearsed })
    } catch (error) {
      // As in the original, an agent that is gone already is no error; a version of it cannot be confirmed.
      if (!(error instanceof UnknownAgent) || expected !== undefined) throw error
      if (isRehearsed) return respondJson(c, { dry_run: true, action: 'none', id })
    }
    return isRehearsed ? respondJson(c, { dry_run: true, action: 'delete', id }) : respondNoContent(c)
  }

  function health(c: ApiContext): ApiResponse {
    return respondJson(c, healthView(mesh.get(agentIdIn(c)), Date.now()))
  }

  function status(c: ApiContext): ApiResponse {
    return respondJson(c, mesh.status(agentIdIn(c, '/status'), Date.now()))
  }

  return { list: createAgentList(mesh), status, capabilities, show, remove, health }
}
