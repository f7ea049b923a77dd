import type { Capability } from '../../model/capability.ts'
import type { RegisteredServer } from '../../model/change.ts'
import type { ProbeResult } from '../../model/health.ts'
import { targetOf } from '../../model/target.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { probeHttp } from './http.ts'
import { createMcpProbe } from './mcp.ts'
import { probeTcp } from './tcp.ts'

/** What one probe found; capabilities and version only where the server was asked for them and told. */
export type ProbeOutcome = ProbeResult & { readonly capabilities?: readonly Capability[]; readonly version?: string }

export type ProbeLimits = {
  /** For the probe as a whole. */
  readonly timeoutMs: number
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  /** Whether an MCP server is asked for its tools too. */
  readonly learn: boolean
  readonly signal: AbortSignal
}

/** Checks a server once. Never rejects: what goes wrong is the finding. */
export type Probe = (server: Pick<RegisteredServer, 'server' | 'reach'>, limits: ProbeLimits) => Promise<ProbeOutcome>

/** One check of one URL, with what goes along. */
export type ProbeRequest = ProbeLimits & {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly reach: RegisteredServer['reach']
  /** The server is said to speak HTTP+SSE. */
  readonly sse: boolean
}

export function createProbe({ door, now = () => performance.now() }: { door: HttpClient; now?: () => number }): Probe {
  const probeMcp = createMcpProbe({ door, now })

  return async ({ server, reach }, limits) => {
    const target = targetOf(server)
    if (target.check === 'none') {
      return { ok: false, reason: server.enabled ? 'not_checkable' : 'disabled', response_time_ms: 0 }
    }
    const headers = headersFor(target.url, server)
    const ask: ProbeRequest = { ...limits, url: target.url, headers, reach, sse: server.type === 'sse' }
    const start = now()
    const finding = await { mcp: probeMcp, http: probeHttp, tcp: probeTcp }[target.check](ask, door)
    return { response_time_ms: elapsed(start, now()), ...finding }
  }
}

/** The server's own headers: not for another origin, and never one whose placeholder nobody filled in. */
function headersFor(target: string, { url, headers }: RegisteredServer['server']): Record<string, string> {
  if (url === undefined || !headers) return {}
  if (url !== target && URL.parse(url)?.origin !== URL.parse(target)?.origin) return {}
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => !value.includes('${')))
}

function elapsed(start: number, end: number): number {
  return Math.round((end - start) * 100) / 100
}
