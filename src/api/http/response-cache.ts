import { jsonReply, type Reply } from './reply.ts'

type Headers = Readonly<Record<string, string>>

/** What the answers of one revision may weigh together, each with what it takes to keep it. */
const keptBytes = 8 * 1024 * 1024
const keepingBytes = 1024

/** Answers that stay the same until something changes, each made once. */
export function createResponseCache({ token: currentToken }: { token: () => string }) {
  const kept = new Map<string, Reply>()
  const underway = new Map<string, Promise<Reply>>()
  let token = ''
  let weight = 0

  async function answer(key: string, make: () => Promise<Buffer>, headers: Headers = {}): Promise<Reply> {
    const asked = `${currentToken()} ${key}`
    // However many ask at once, it is made once.
    const making = underway.get(asked) ?? answered(key, make, headers).finally(() => underway.delete(asked))
    underway.set(asked, making)
    return await making
  }

  async function answered(key: string, make: () => Promise<Buffer>, headers: Headers): Promise<Reply> {
    const now = currentToken()
    if (now !== token || weight > keptBytes) {
      kept.clear()
      weight = 0
      token = now
    }
    const found = kept.get(key)
    if (found) return found
    const body = await make()
    // What changed while it was made may be in it or not: then it is good for once only.
    if (currentToken() !== now) return jsonReply(body, { headers })
    const reply = jsonReply(body, { etag: `"${now}"`, headers })
    kept.set(key, reply)
    weight += body.length + key.length + keepingBytes
    return reply
  }

  return { answer }
}
