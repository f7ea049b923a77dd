import { RegistrationProblem, UnknownAgent } from '../../agents/errors.ts'
import type { MeshOperations, RegistrationResult } from '../../agents/mesh-operations.ts'
import { parseRegistrationBody, fieldsIn } from '../../agents/parsing/bodies.ts'
import type { Fields } from '../../agents/parsing/normalize.ts'
import { parseDiscovery } from '../../agents/queries/query-parameters.ts'
import { agentView, heartbeatPayloadView } from '../../agents/queries/views.ts'
import { Problem } from '../http/problem.ts'
import { type ApiContext, respondJson } from '../http/respond.ts'
import { meshBody, callerOf, headersOf, respondWith, versionIn } from './mesh-request.ts'
import { meshProblem } from './problems.ts'

type Tool = (fields: Fields, c: ApiContext) => Promise<object>

/** The originals' tools, called by `POST /mcp/tools/{tool}` with their arguments as JSON. Errors come in their envelope. */
export function createTools(mesh: MeshOperations) {
  const tools: Readonly<Record<string, Tool>> = {
    async register_agent({ registration_data }, c) {
      const form = parseRegistrationBody(registration_data ?? {})
      const expected = versionIn(headersOf(c), mesh.versionOf(form.registration['id']))
      const told = await mesh.register(form, {
        principal: callerOf(c),
        countsAsHeartbeat: false,
        expectedVersion: expected,
      })
      return succeeded(told, `Agent ${told.agent.spec.name} registered successfully`)
    },
    async unregister_agent(fields, c) {
      const id = idIn(fields)
      await mesh.unregister(id, {
        principal: callerOf(c),
        expectedVersion: versionIn(headersOf(c), mesh.versionOf(id)),
      })
      return { status: 'success', message: `Agent ${id} unregistered successfully` }
    },
    async discover_services({ query }) {
      const agents = mesh.find(parseDiscovery(fieldsIn(query ?? {}, 'query'))).agents.map(agentView)
      return { status: 'success', agents, count: agents.length }
    },
    async heartbeat(fields, c) {
      return succeeded(mesh.resultFor(mesh.renewLease(idIn(fields), {}, callerOf(c))), 'Heartbeat recorded')
    },
    async get_agent_status(fields) {
      const found = mesh.get(idIn(fields))
      return {
        status: 'success',
        agent: { ...agentView(found), ...heartbeatPayloadView(mesh.heartbeatPayload(found.agent.id)) },
      }
    },
  }

  return async function call(c: ApiContext): Promise<Response> {
    const name = c.req.param('tool') ?? ''
    const tool = Object.hasOwn(tools, name) ? tools[name] : undefined
    if (!tool) throw new Problem('tool_not_found', `There is no such tool; there are ${Object.keys(tools).join(', ')}.`)
    try {
      return await respondJson(c, await tool(fieldsIn(await meshBody(c), 'body'), c))
    } catch (error) {
      const problem = meshProblem(error, mesh)
      if (!(problem instanceof Problem)) throw error
      return respondWith(c, failed(name, problem, error), problem)
    }
  }
}

/** The originals' envelope of what was done for an agent. */
function succeeded({ agent, dependencies }: RegistrationResult, message: string): object {
  return {
    status: 'success',
    agent_id: agent.id,
    resource_version: agent.stored.resource_version,
    timestamp: new Date().toISOString(),
    message,
    ...(dependencies && { dependencies_resolved: dependencies }),
  }
}

/** The originals' envelope of an error. */
function failed(tool: string, { code, message, more }: Problem, error: unknown): object {
  const what = error instanceof UnknownAgent ? message : `Failed to ${tool.replaceAll('_', ' ')}`
  return { status: 'error', code, error: message, detail: message, message: what, ...more }
}

function idIn({ agent_id }: Fields): string {
  if (typeof agent_id === 'string' && agent_id !== '') return agent_id
  throw new RegistrationProblem('agent_id', "Validation failed: 'agent_id' field is required")
}
