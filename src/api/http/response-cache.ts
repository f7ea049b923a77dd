import { LRUCache } from 'lru-cache'
import { localToken } from '../../model/query/state-token.ts'
import { jsonReply, type Reply, stateTag } from './reply.ts'

type ReplyOptions = {
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the revision alone decides the body; otherwise the reply has no ETag, and the key must name the rest. */
  readonly hasEtag?: boolean
}

/** Default of the maximum size of the cached replies together, each with an estimated overhead. */
const defaultMaxBytes = 8 * 1024 * 1024
const entryBytes = 1024

/** Caches replies until the revision changes. However many requests come at once, each reply is made once. */
export function createResponseCache({
  token: currentToken,
  maxBytes = defaultMaxBytes,
}: {
  token: () => string
  maxBytes?: number
}) {
  const cached = new LRUCache<string, Reply>({
    maxSize: maxBytes,
    sizeCalculation: ({ body }, key) => body.length + key.length + entryBytes,
  })
  const pending = new Map<string, Promise<Reply>>()
  let cachedToken = ''

  async function answer(key: string, make: () => Promise<Buffer>, options: ReplyOptions = {}): Promise<Reply> {
    const pendingKey = `${currentToken()} ${key}`
    const promise =
      pending.get(pendingKey) ?? cachedOrMade(key, make, options).finally(() => pending.delete(pendingKey))
    pending.set(pendingKey, promise)
    return await promise
  }

  async function cachedOrMade(
    key: string,
    make: () => Promise<Buffer>,
    { headers = {}, hasEtag = true }: ReplyOptions,
  ): Promise<Reply> {
    const token = currentToken()
    if (token !== cachedToken) {
      cached.clear()
      cachedToken = token
    }
    const hit = cached.get(key)
    if (hit) return hit
    const body = await make()
    // The body may hold changes of the newer revision or not: it is used once.
    if (currentToken() !== token) return jsonReply(body, { headers })
    const reply = jsonReply(body, { ...(hasEtag && { etag: stateTag(localToken(token)) }), headers })
    cached.set(key, reply)
    return reply
  }

  return {
    answer,
    /** The reply that is cached under a key. */
    get: (key: string): Reply | undefined => (currentToken() === cachedToken ? cached.get(key) : undefined),
  }
}
