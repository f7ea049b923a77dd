import { openToAll } from '../cors.ts'
import type { ApiParts } from '../parts.ts'
import { Problem } from '../problem.ts'
import { jsonReply, type Reply } from '../reply.ts'

type Headers = Readonly<Record<string, string>>

/** What the answers of one revision may weigh together. */
const keptBytes = 8 * 1024 * 1024

/**
 * Answers that stay the same until something changes, each made once.
 *
 * Whoever reads them takes what is missing for gone, and they have no place to say that sources are still being read: so
 * until the daemon is ready there is no answer.
 */
export function createKept({
  registry,
  supervisor,
}: {
  registry: Pick<ApiParts['registry'], 'token'>
  supervisor: Pick<ApiParts['supervisor'], 'ready' | 'syncing'>
}) {
  const kept = new Map<string, Reply>()
  const underway = new Map<string, Promise<Reply>>()
  let token = ''
  let weight = 0

  async function answer(key: string, make: () => Promise<Buffer>, headers: Headers = {}): Promise<Reply> {
    if (!supervisor.ready()) throw notYet(supervisor.syncing())
    const asked = `${registry.token()} ${key}`
    // However many ask at once, it is made once.
    const making = underway.get(asked) ?? answered(key, make, headers).finally(() => underway.delete(asked))
    underway.set(asked, making)
    return await making
  }

  async function answered(key: string, make: () => Promise<Buffer>, headers: Headers): Promise<Reply> {
    const now = registry.token()
    if (now !== token || weight > keptBytes) {
      kept.clear()
      weight = 0
      token = now
    }
    const found = kept.get(key)
    if (found) return found
    const body = await make()
    const reply = jsonReply(body, { etag: `"${now}"`, headers })
    // What changed while it was made may be in it or not: then it is good for once only.
    if (registry.token() !== now) return jsonReply(body, { headers })
    kept.set(key, reply)
    weight += body.length + key.length
    return reply
  }

  return { answer }
}

function notYet(syncing: readonly string[]): Problem {
  return new Problem(503, `Not every source has been read since the start: ${syncing.join(', ')}. Ask again soon.`, {
    headers: { 'retry-after': '1', ...openToAll },
    more: { syncing },
  })
}
