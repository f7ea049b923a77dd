import { DoorError } from '../../flow/door-error.ts'
import type { Door } from '../../flow/door.ts'
import type { Reason } from '../../model/health.ts'
import type { Ask } from './probe.ts'

/** Alive is what accepts a connection. */
export async function probeTcp(ask: Ask, door: Door): Promise<{ ok: boolean; reason: Reason }> {
  const { protocol, hostname, port } = new URL(ask.url)
  try {
    await door.connect(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), ask)
    return { ok: true, reason: 'ok' }
  } catch (error) {
    return { ok: false, reason: error instanceof DoorError ? error.reason : 'protocol' }
  }
}
