import type { Deadline } from '../../flow/deadline.ts'
import type { Log } from '../../log.ts'
import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/identity.ts'
import { mcpUrlOf } from '../../model/mcp-url.ts'
import { mayUseNamespace, type Principal } from '../../model/principal.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { Registry } from '../../registry/registry.ts'
import type { CallsConfig } from '../config/calls.ts'
import { receiveBytes, takeJson } from '../http/body.ts'
import type { ApiContext } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respondJson } from '../http/respond.ts'
import { budgetOf } from './call-budget.ts'
import { createCallRecord } from './call-record.ts'
import type { Calls } from './calls.ts'
import { callServerTool } from './server-exchange.ts'

type Addresses = { readonly allow?: readonly string[] | undefined; readonly deny: readonly string[] }

/** The server and tool that a call names, and what to answer where there is no such server. */
export type ToolTarget = { readonly id: ServerId | null; readonly tool: string; readonly unknown: () => Problem }

export type ServerCalls = ReturnType<typeof createServerCalls>

/**
 * Calls tools of servers for callers of the API, with the limits, the quota and the audit of calls to agents.
 *
 * `addresses`: networks that the daemon may probe; it calls no others.
 */
export function createServerCalls({
  config,
  isLoopback,
  addresses,
  calls,
  http,
  registry,
  log,
}: {
  config: () => CallsConfig
  /** Whether only programs of this machine reach the daemon. */
  isLoopback: boolean
  addresses: () => Addresses
  calls: Pick<Calls, 'run'>
  http: Pick<HttpClient, 'stream'>
  registry: Pick<Registry, 'get'>
  log: Pick<Log, 'info'>
}) {
  /** Answers `POST /servers/{namespace}/{name}/tools/{tool}`. */
  async function handle(c: ApiContext, target: ToolTarget): Promise<Response> {
    const { principal, incoming, outgoing } = c.env
    const record = createCallRecord({ principal, log })
    try {
      assertMayCall(principal, { isOn: config().enabled || isLoopback, isLoopback })
      const registered = callable(principal, target)
      const { id } = registered.server
      const body = await receiveBytes(c, config().max_request_bytes)
      record.addTool(target.tool, body.length)
      record.add({ server: id })
      const args = argumentsIn(takeJson(body))
      const startedAt = performance.now()
      const budgetSeconds = budgetOf(incoming, config())
      const result = await calls.run(c, budgetSeconds, (deadline) =>
        callServerTool({ ...target, args, registered, http, limits: limitsOf(registered, deadline, budgetSeconds) }),
      )
      record.forwarded()
      const durationMs = Math.round((performance.now() - startedAt) * 10) / 10
      return await respondJson(c, { server: id, tool: target.tool, duration_ms: durationMs, result })
    } catch (error) {
      record.failed(error, { isCallerGone: outgoing.destroyed })
      throw error
    }
  }

  /** The server of a call; throws the problem that says why it cannot be called. */
  function callable(principal: Principal, { id, unknown }: ToolTarget): RegisteredServer {
    const registered = id === null ? undefined : registry.get(id)
    if (!registered || !mayUseNamespace(principal, registered.server.namespace)) throw unknown()
    const { server } = registered
    if (server.type === 'stdio' || mcpUrlOf(server) === undefined)
      throw new Problem(
        'call_target_invalid',
        `"${server.id}" is a command, which clients start; the daemon calls none.`,
      )
    if ([server.url ?? '', ...Object.values(server.headers ?? {})].some((text) => text.includes('${')))
      throw new Problem(
        'call_target_invalid',
        `The URL or a header of "${server.id}" holds a placeholder that only clients fill.`,
      )
    if (!server.enabled)
      throw new Problem('call_target_unavailable', `"${server.id}" is disabled; enable it to call its tools.`)
    return registered
  }

  function limitsOf({ server, reach }: RegisteredServer, deadline: Deadline, seconds: number) {
    const { allow, deny } = addresses()
    // An agent chooses its own address: it is called as through `/proxy`, so that no token reaches more by this route.
    const where =
      reach === 'private'
        ? { reach: 'public' as const, exceptions: config().allow, deny }
        : { reach, deny, ...(allow ? { allow } : {}) }
    return {
      ...where,
      url: mcpUrlOf(server) ?? '',
      headers: server.headers ?? {},
      sse: server.type === 'sse',
      timeoutMs: seconds * 1000,
      maxBytes: config().max_response_bytes,
      deadline,
      signal: deadline.signal(),
    }
  }

  return { handle }
}

function assertMayCall(
  { anonymous, call, role }: Principal,
  { isOn, isLoopback }: { isOn: boolean; isLoopback: boolean },
): void {
  if (!isOn)
    throw new Problem(
      'calls_disabled',
      'This registry calls no tools beyond loopback. Set calls.enabled, or listen on loopback (listen.host).',
    )
  // Beyond loopback every call has a token, as through `/proxy`.
  if ((call || role === 'admin') && (!anonymous || isLoopback)) return
  if (anonymous)
    throw new Problem(
      'authentication_required',
      'Calls need a bearer token with the right "call" (auth.tokens[].call).',
      {
        headers: { 'www-authenticate': 'Bearer realm="mcp-roster"' },
        more: { right_needed: 'call' },
      },
    )
  throw new Problem('right_required', 'Tools are called only for a token that has the right "call", or an admin.', {
    more: { right_needed: 'call' },
  })
}

/** The arguments in a body `{ "arguments": { … } }`; an absent body or member means none. */
function argumentsIn(body: unknown): Record<string, unknown> {
  if (body === undefined) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('body_not_object', 'The body must be a JSON object: { "arguments": { … } }.')
  const { arguments: args = {}, ...others } = body as { arguments?: unknown }
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new Problem('invalid_parameter', `unknown field "${unknown.slice(0, 100)}"; the only one is arguments`, {
      more: { parameter: unknown.slice(0, 100) },
    })
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new Problem('body_not_object', '`arguments` must be a JSON object.')
  return args as Record<string, unknown>
}
