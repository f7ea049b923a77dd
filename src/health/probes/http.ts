import type { HttpClient } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { PartialOutcome, ProbeRequest } from './probe.ts'

/** Drain at most 4 KiB or 200 ms of the body, so that the connection can be reused. */
const drainLimits = { maxBytes: 4096, drainMs: 200 }

/** Succeeds on a 2xx, whatever the body, and on a 401 or 403: a living server asks for credentials. */
export async function probeHttp(request: ProbeRequest, http: HttpClient): Promise<PartialOutcome> {
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
