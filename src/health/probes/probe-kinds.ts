import type { RegisteredServer } from '../../model/change.ts'
import { targetOf } from '../../model/target.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { probeHttp } from './http.ts'
import { createMcpProbe } from './mcp.ts'
import { elapsedMs, type Probe, type ProbeKind, type ProbeRequest } from './probe.ts'
import { probeTcp } from './tcp.ts'

/** A probe that probes each server in the way its definition asks for. */
export function createProbe({ http, now = () => performance.now() }: { http: HttpClient; now?: () => number }): Probe {
  const kinds = { mcp: createMcpProbe({ now }), http: probeHttp, tcp: probeTcp } satisfies Record<string, ProbeKind>

  return async ({ server, reach }, limits) => {
    const target = targetOf(server)
    if (target.check === 'none') {
      return { ok: false, reason: server.enabled ? 'not_checkable' : 'disabled', response_time_ms: 0 }
    }
    const headers = headersFor(target.url, server)
    const request: ProbeRequest = { ...limits, url: target.url, headers, reach, sse: server.type === 'sse' }
    const start = now()
    const outcome = await kinds[target.check](request, http)
    return { response_time_ms: elapsedMs(start, now()), ...outcome }
  }
}

/** The server's own headers: only for its own origin, and without those that contain an unresolved placeholder. */
function headersFor(target: string, { url, headers }: RegisteredServer['server']): Record<string, string> {
  if (url === undefined || !headers) return {}
  if (url !== target && URL.parse(url)?.origin !== URL.parse(target)?.origin) return {}
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => !value.includes('${')))
}
