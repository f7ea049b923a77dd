import { hash } from 'node:crypto'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { parseAgentQuery, parseCapabilityQuery } from '../../agents/queries/query-parameters.ts'
import { agentView, healthView, heartbeatPayloadView } from '../../agents/queries/views.ts'
import { jsonReply } from '../http/reply.ts'
import { type ApiContext, respond, respondJson } from '../http/respond.ts'
import { respondItems } from './listing.ts'
import { agentIdIn, callerOf, headersOf, versionIn } from './mesh-request.ts'

/** What is asked of agents that are there. */
export function askingOf(mesh: MeshOperations) {
  async function list(c: ApiContext): Promise<Response> {
    const { agents, next } = mesh.find(parseAgentQuery(new URL(c.req.url).searchParams))
    const rest = { resource_version: mesh.token(), ...(next === undefined ? {} : { continue: next }) }
    return respondItems(c, { name: 'agents', items: agents, encode: agentView, rest })
  }

  async function capabilities(c: ApiContext): Promise<Response> {
    const found = mesh.capabilities(parseCapabilityQuery(new URL(c.req.url).searchParams))
    const items = found.flatMap(({ server, capabilities: of }) => of.map((capability) => ({ server, capability })))
    return respondItems(c, {
      name: 'capabilities',
      items,
      encode: ({ server, capability }) => mesh.capabilityView(server, capability),
      rest: { resource_version: mesh.token() },
    })
  }

  async function show(c: ApiContext): Promise<Response> {
    const found = mesh.get(agentIdIn(c))
    const body = Buffer.from(
      JSON.stringify({ ...agentView(found), ...heartbeatPayloadView(mesh.heartbeatPayload(found.agent.id)) }),
    )
    const etag = `"${found.agent.stored.resource_version};${hash('sha1', body, 'base64url').slice(0, 12)}"`
    return respond(c, jsonReply(body, { etag }))
  }

  async function remove(c: ApiContext): Promise<Response> {
    const id = agentIdIn(c)
    await mesh.unregister(id, { principal: callerOf(c), expectedVersion: versionIn(headersOf(c), mesh.versionOf(id)) })
    return c.body(null, 204)
  }

  async function health(c: ApiContext): Promise<Response> {
    return respondJson(c, healthView(mesh.get(agentIdIn(c)), Date.now()))
  }

  return { list, capabilities, show, remove, health }
}
