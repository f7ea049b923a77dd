import type { Agent } from '../../agents/agent.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import type { AgentMatch } from '../../agents/queries/views.ts'
import { percentDecode } from '../../model/data/percent-encoding.ts'
import { mayUseNamespace, type Principal } from '../../model/principal.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { requireNamespace } from '../http/access/authenticator.ts'
import { Problem } from '../http/problem.ts'

/** Where a request asks to be forwarded to. Selects an agent; nothing of it but the path is sent. */
export type RequestedTarget = {
  /** Host and port, as in an endpoint. */
  readonly authority: string
  /** Path and query, as sent. */
  readonly path: string
}

/** The agent that a call goes to, and the URL that it is sent to. */
export type CallTarget = { readonly agent: Agent; readonly url: string }

const target = /^(?:\/api\/v1)?\/proxy\/([^/?]*)([^?]*)(\?.*)?$/s
const authorityForm = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i
/** Segments that every server reads alike: without escapes, parameters (`;`), empty or leading dots. */
const mcpPath = /^\/mcp(?:\/[\w~-][\w.~-]*)*\/?$/

/** Parses the target of a request; throws a problem for one that no endpoint can have. */
export function parseRequestedTarget(url: string): RequestedTarget {
  const [, encoded = '', path = '', query = ''] = target.exec(url) ?? []
  const authority = percentDecode(encoded)?.toLowerCase()
  if (authority === undefined || !authorityForm.test(authority))
    throw invalidTarget('The target must be {host}:{port} of a registered endpoint, as in /proxy/10.0.0.7:8080/mcp.')
  if (path === '') throw invalidTarget('The path of the endpoint is missing after the target; most agents serve /mcp.')
  return { authority, path: path + query }
}

/** The agent at a requested target, for a principal; throws the problem that says why there is none. */
export function findCallTarget(
  requested: RequestedTarget,
  { mesh, principal }: { mesh: Pick<MeshOperations, 'withEndpoint'>; principal: Principal },
): CallTarget {
  const { authority, path } = requested
  const found = mesh.withEndpoint(matchingAuthority(authority))
  if (found.length === 0)
    throw new Problem('call_target_not_found', `No registered agent has an endpoint at ${authority}.`)
  const served = found.flatMap((match) => {
    const url = urlAt(match.agent.spec.endpoint, path)
    return url === undefined ? [] : [{ ...match, url }]
  })
  const [first] = served
  if (!first) throw pathProblem(found[0]?.agent.spec.endpoint ?? '')
  const permitted = served.filter(({ agent }) => mayUseNamespace(principal, agent.definition.namespace))
  if (permitted.length === 0) requireNamespace(principal, first.agent.definition.namespace)
  const [callable] = permitted
    .filter((match) => !match.winner && ['healthy', 'degraded'].includes(statusOf(match)))
    .toSorted(comparePreference)
  if (callable) return { agent: callable.agent, url: callable.url }
  throw unavailable(permitted[0] ?? first)
}

/** Encrypted endpoints first, so that no other registration downgrades a call; then a fixed order. */
function comparePreference(one: CallTarget, other: CallTarget): number {
  const [isEncrypted, isOtherEncrypted] = [one, other].map(({ url }) => url.startsWith('https:'))
  if (isEncrypted !== isOtherEncrypted) return isEncrypted ? -1 : 1
  return one.agent.id < other.agent.id ? -1 : 1
}

function statusOf({ agent, server }: AgentMatch): string {
  return server?.status ?? agent.lease.status
}

/** Whether an endpoint is at this host and port. Few endpoints are parsed: that takes about 2 µs each. */
function matchingAuthority(authority: string): (endpoint: string) => boolean {
  const part = authority.replace(/:(?:80|443)$/, '')
  return (endpoint) => {
    if (!endpoint.toLowerCase().includes(part)) return false
    const url = httpUrl(endpoint)
    return url !== undefined && URL.parse(`${url.protocol}//${authority}`)?.host === url.host
  }
}

function httpUrl(endpoint: string): URL | undefined {
  const url = URL.parse(endpoint)
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}

/** The URL of a call: the endpoint's own path, or `/mcp` and below of an endpoint without one. Never its credentials. */
function urlAt(endpoint: string, path: string): string | undefined {
  const url = httpUrl(endpoint)
  if (!url) return undefined
  const isServed = hasPath(url) ? path === url.pathname + url.search : mcpPath.test(path)
  return isServed ? url.origin + path : undefined
}

function hasPath({ pathname, search }: URL): boolean {
  return pathname !== '/' || search !== ''
}

function pathProblem(endpoint: string): Problem {
  const url = httpUrl(endpoint)
  const served = url && hasPath(url) ? redactText(url.pathname + url.search) : '/mcp or a plain path below it'
  return invalidTarget(`This path is not forwarded; the one of the registered endpoint is ${served}, without a query.`)
}

function invalidTarget(detail: string): Problem {
  return new Problem('call_target_invalid', detail)
}

function unavailable(match: AgentMatch): Problem {
  const cause = match.winner ? `is shadowed by a server of the source ${match.winner.source}` : `is ${statusOf(match)}`
  const detail = `Agent ${match.agent.id} ${cause}; only healthy and degraded agents are called.`
  return new Problem('call_target_unavailable', detail, { headers: { 'retry-after': '5' } })
}
