import type { Reason } from '../../model/health.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { ProbeRequest } from './probe.ts'

/** Alive is what accepts a connection. */
export async function probeTcp(ask: ProbeRequest, door: HttpClient): Promise<{ ok: boolean; reason: Reason }> {
  const { protocol, hostname, port } = new URL(ask.url)
  try {
    await door.connect(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), ask)
    return { ok: true, reason: 'ok' }
  } catch (error) {
    return { ok: false, reason: error instanceof OutboundError ? error.reason : 'protocol' }
  }
}
