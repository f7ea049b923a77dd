import { type Door, DoorError } from '../../flow/door.ts'
import type { Reason } from '../../model/health.ts'
import type { Ask } from './probe.ts'

const enough = 4096

/** Alive is what answers 2xx. Of the body a little is read, so that it may come at all; the rest is left where it is. */
export async function probeHttp(ask: Ask, door: Door): Promise<{ ok: boolean; reason: Reason }> {
  const { url, headers, timeoutMs } = ask
  try {
    const answer = await door.stream(url, { ...ask, headers: { accept: '*/*', ...headers }, idleMs: timeoutMs })
    try {
      return judged(answer.status)
    } finally {
      await readSome(answer.body).catch(() => undefined) // the status was the answer, the body is courtesy
      answer.close()
    }
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
