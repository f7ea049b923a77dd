import type { HttpClient } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { PartialOutcome, ProbeRequest } from './probe.ts'

/** Succeeds when the port accepts a connection. */
export async function probeTcp(request: ProbeRequest, http: HttpClient): Promise<PartialOutcome> {
  const { protocol, hostname, port } = new URL(request.url)
  try {
    await http.connect(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), request)
    return { ok: true, reason: 'ok' }
  } catch (error) {
    return { ok: false, reason: error instanceof OutboundError ? error.reason : 'protocol' }
  }
}
