import { RegistrationProblem, UnknownAgent } from '../../agents/errors.ts'
import type { MeshOperations, RegistrationResult } from '../../agents/mesh-operations.ts'
import { parseRegistrationBody, requireObject } from '../../agents/parsing/bodies.ts'
import { heartbeatPayloadView } from '../../agents/queries/views.ts'
import { answerMembers } from '../../agents/resolution/resolution.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import { requireRole } from '../http/access/authenticator.ts'
import { abandonBody } from '../http/body.ts'
import type { ApiContext } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respondJson } from '../http/respond.ts'
import { expectedVersion, headersOf, readMeshBody } from './mesh-request.ts'
import { meshProblem } from './problems.ts'

/** The tools that change something. Their caller is checked before the arguments are read. */
const writingTools = new Set(['register_agent', 'unregister_agent', 'heartbeat'])

type Tool = (fields: JsonObject, c: ApiContext) => object | Promise<object>

/** The tools of the mesh registry: `POST /mcp/tools/{tool}` with their arguments as JSON. Errors come in the tools' envelope. */
export function createTools(mesh: MeshOperations) {
  const tools: Readonly<Record<string, Tool>> = {
    async register_agent({ registration_data }, c) {
      const parsed = parseRegistrationBody(registration_data ?? {})
      const expected = await expectedVersion(headersOf(c), mesh, parsed.registration['id'])
      const result = await mesh.register(parsed, {
        principal: c.env.principal,
        countsAsHeartbeat: false,
        expectedVersion: expected,
      })
      return success(result, `Agent ${result.agent.spec.name} registered successfully`)
    },
    async unregister_agent(fields, c) {
      const id = agentIdOf(fields)
      const expected = await expectedVersion(headersOf(c), mesh, id)
      await mesh.unregister(id, { principal: c.env.principal, expectedVersion: expected })
      return { status: 'success', message: `Agent ${id} unregistered successfully` }
    },
    discover_services: (fields) => mesh.discover(fields),
    heartbeat(fields, c) {
      return success(mesh.resultFor(mesh.renewLease(agentIdOf(fields), {}, c.env.principal)), 'Heartbeat recorded')
    },
    get_agent_status(fields) {
      const agent = mesh.get(agentIdOf(fields))
      return {
        status: 'success',
        agent: { ...mesh.agentView(agent), ...heartbeatPayloadView(mesh.heartbeatPayload(agent.agent.id)) },
      }
    },
  }

  return async function call(c: ApiContext): Promise<Response> {
    const name = c.req.param('tool') ?? ''
    const tool = Object.hasOwn(tools, name) ? tools[name] : undefined
    if (!tool) throw new Problem('tool_not_found', `Unknown tool; the tools are ${Object.keys(tools).join(', ')}.`)
    try {
      if (writingTools.has(name)) requireRole(c.env.principal, 'registrar')
      return await respondJson(c, await tool(requireObject(await readMeshBody(c), 'body'), c))
    } catch (error) {
      const problem = meshProblem(error, mesh)
      if (!(problem instanceof Problem)) throw error
      abandonBody(c.env)
      return respondJson(c, failure(name, problem, error), problem.status, problem.headers)
    }
  }
}

function success(result: RegistrationResult, message: string): object {
  const { agent } = result
  return {
    status: 'success',
    agent_id: agent.id,
    resource_version: agent.stored.resource_version,
    timestamp: new Date().toISOString(),
    message,
    ...answerMembers(result),
  }
}

function failure(tool: string, { code, message, more }: Problem, error: unknown): object {
  const summary = error instanceof UnknownAgent ? message : `Failed to ${tool.replaceAll('_', ' ')}`
  return { status: 'error', code, error: message, detail: message, message: summary, ...more }
}

function agentIdOf({ agent_id }: JsonObject): string {
  if (typeof agent_id === 'string' && agent_id !== '') return agent_id
  throw new RegistrationProblem('agent_id', "Validation failed: 'agent_id' field is required")
}
