import { createDeadline } from '../../flow/deadline.ts'
import { DoorError } from '../../flow/door-error.ts'
import type { Door } from '../../flow/door.ts'
import type { Reason } from '../../model/health.ts'
import type { Ask } from './probe.ts'

const enough = 4096

/** What of the body comes within this time is read, so that a short one is not torn off; the rest is left where it is. */
const courtesyMs = 200

/** Alive is what answers 2xx, whatever its body. */
export async function probeHttp(ask: Ask, door: Door): Promise<{ ok: boolean; reason: Reason }> {
  using deadline = createDeadline(ask.timeoutMs, ask.signal)
  const headers = { accept: '*/*', ...ask.headers }
  try {
    const answer = await door.stream(ask.url, { ...ask, headers, signal: deadline.signal, idleMs: courtesyMs })
    deadline.restart(courtesyMs)
    await readSome(answer.body).catch(() => undefined) // the status was the answer
    answer.close()
    return judged(answer.status)
  } catch (error) {
    return { ok: false, reason: error instanceof DoorError ? error.reason : 'protocol' }
  }
}

/** 401 and 403 come from something that lives and asks who we are. */
export function judged(status: number): { ok: boolean; reason: Reason } {
  if (status === 401 || status === 403) return { ok: true, reason: 'auth_required' }
  const ok = status >= 200 && status < 300
  return { ok, reason: ok ? 'ok' : 'http_status' }
}

async function readSome(body: AsyncIterable<Buffer>): Promise<void> {
  let read = 0
  for await (const chunk of body) {
    read += chunk.length
    if (read >= enough) return
  }
}
