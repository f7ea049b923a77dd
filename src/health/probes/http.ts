import type { Reason } from '../../model/health.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { ProbeRequest } from './probe.ts'

/** What of a body of so many bytes comes within this time is read, so that a short one is not torn off. */
const drainLimits = { maxBytes: 4096, drainMs: 200 }

/** Alive is what answers 2xx, whatever its body. */
export async function probeHttp(ask: ProbeRequest, door: HttpClient): Promise<{ ok: boolean; reason: Reason }> {
  try {
    return judged(
      await door.requestStatus(ask.url, { ...ask, headers: { accept: '*/*', ...ask.headers }, ...drainLimits }),
    )
  } catch (error) {
    return { ok: false, reason: error instanceof OutboundError ? error.reason : 'protocol' }
  }
}

/** 401 and 403 come from something that lives and asks who we are. */
export function judged(status: number): { ok: boolean; reason: Reason } {
  if (status === 401 || status === 403) return { ok: true, reason: 'auth_required' }
  const ok = status >= 200 && status < 300
  return { ok, reason: ok ? 'ok' : 'http_status' }
}
