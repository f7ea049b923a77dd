import type { Reach } from '../../model/change.ts'
import type { ServerDefinition } from '../../model/server.ts'
import { targetOf } from '../../model/target.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { CommandLimits } from '../config.ts'
import type { MayRun } from '../probe-target.ts'
import { createCommandProbe } from './commands/command-probe.ts'
import type { McpModule } from './mcp-client.ts'
import { createMcpProbe } from './mcp.ts'
import {
  elapsedMs,
  type PartialOutcome,
  type Probe,
  type ProbeKind,
  type ProbeLimits,
  type ProbeOutcome,
  type ProbeRequest,
} from './probe.ts'

/** Drain at most 4 KiB or 200 ms of the body, so that the connection can be reused. */
const drainLimits = { maxBytes: 4096, drainMs: 200 }

type UrlProbe = (
  server: { readonly server: ServerDefinition; readonly reach: Reach },
  limits: ProbeLimits,
) => Promise<ProbeOutcome>

/** Probes the URL of each server in the way that its definition names; never a command. */
export function createUrlProbe({
  http,
  now = () => performance.now(),
  loadClient = createClientLoader(),
}: {
  http: HttpClient
  now?: () => number
  loadClient?: () => Promise<McpModule>
}): UrlProbe {
  const kinds = { mcp: createMcpProbe({ now, loadClient }), http: probeHttp, tcp: probeTcp } satisfies Record<
    string,
    ProbeKind
  >
  return async ({ server, reach }, limits) => {
    const target = targetOf(server)
    if (target.check === 'none' || target.check === 'stdio') {
      return { ok: false, reason: server.enabled ? 'not_checkable' : 'disabled', response_time_ms: 0 }
    }
    const start = now()
    const headers = headersFor(target.url, server)
    const request: ProbeRequest = { ...limits, url: target.url, headers, reach, sse: server.type === 'sse' }
    const outcome = await kinds[target.check](request, http)
    return { response_time_ms: elapsedMs(start, now()), ...outcome }
  }
}

/** Probes each server in the way that its definition names. */
export function createProbe({
  http,
  now = () => performance.now(),
  commands,
}: {
  http: HttpClient
  now?: () => number
  /** Absent: no command is ever run. */
  commands?: { readonly mayRun: MayRun; readonly limits: () => CommandLimits }
}): Probe {
  const loadClient = createClientLoader()
  const probeUrl = createUrlProbe({ http, now, loadClient })
  const probeCommand = commands && createCommandProbe({ now, limits: commands.limits, loadClient })

  return async (registered, limits) => {
    const { server } = registered
    if (targetOf(server).check !== 'stdio' || !commands?.mayRun(server) || !probeCommand)
      return probeUrl(registered, limits)
    const start = now()
    const outcome = await probeCommand(server, limits.signal)
    return { response_time_ms: elapsedMs(start, now()), ...outcome }
  }
}

/** Loads the MCP client on first need: it is the largest module that a probe may use. */
function createClientLoader(): () => Promise<McpModule> {
  let loading: Promise<McpModule> | undefined
  return async () => (loading ??= import('@modelcontextprotocol/client'))
}

/** The server's own headers: only for its own origin, and without those that contain an unresolved placeholder. */
function headersFor(target: string, { url, headers }: ServerDefinition): Record<string, string> {
  if (url === undefined || !headers) return {}
  if (url !== target && URL.parse(url)?.origin !== URL.parse(target)?.origin) return {}
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => !value.includes('${')))
}

/** Succeeds on a 2xx, whatever the body, and on a 401 or 403: a living server asks for credentials. */
async function probeHttp(request: ProbeRequest, http: HttpClient): Promise<PartialOutcome> {
  const headers = { accept: '*/*', ...request.headers }
  try {
    const status = await http.requestStatus(request.url, { ...request, headers, ...drainLimits })
    if (status === 401 || status === 403) return { ok: true, reason: 'auth_required' }
    const ok = status >= 200 && status < 300
    return { ok, reason: ok ? 'ok' : 'http_status' }
  } catch (error) {
    return { ok: false, reason: error instanceof OutboundError ? error.reason : 'protocol' }
  }
}

/** Succeeds when the port accepts a connection. */
async function probeTcp(request: ProbeRequest, http: HttpClient): Promise<PartialOutcome> {
  const { protocol, hostname, port } = new URL(request.url)
  try {
    await http.connect(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), request)
    return { ok: true, reason: 'ok' }
  } catch (error) {
    return { ok: false, reason: error instanceof OutboundError ? error.reason : 'protocol' }
  }
}
