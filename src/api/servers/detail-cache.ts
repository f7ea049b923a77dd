import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import type { Registry } from '../../registry/registry.ts'
import { jsonReply, type Reply } from '../http/reply.ts'

/** Fields of `health` that change with every probe or heartbeat, and have no revision. */
export type VolatileParts = Readonly<Record<string, unknown>>

export type VolatileView = {
  readonly volatile: (id: ServerId) => VolatileParts | undefined
  /** Changes whenever `volatile` does. */
  readonly version: (id: ServerId) => number | string
}

type Detail = {
  readonly registered: RegisteredServer
  readonly version: number | string
  readonly where: string | undefined
  readonly reply: Reply
}

/** Maximum size of all cached details together. */
const maxCachedBytes = 8 * 1024 * 1024

/** Replies for single servers, each encoded once until the server changes or is probed. */
export function createDetailCache({
  registry,
  moving,
}: {
  registry: Pick<Registry, 'get' | 'whereOf'>
  moving: VolatileView
}) {
  const cached = new LRUCache<ServerId, Detail>({
    maxSize: maxCachedBytes,
    sizeCalculation: ({ reply }) => reply.body.length,
  })

  function encode(id: ServerId, registered: RegisteredServer): Detail {
    const version = moving.version(id)
    const where = registry.whereOf(id)
    const body = detailBody(registered, moving.volatile(id), where)
    // `resource_version` covers neither volatile fields nor the status of stored servers: the digest does.
    const etag = `"${registered.server.resource_version};${hash('sha1', body, 'base64url').slice(0, 12)}"`
    return { registered, version, where, reply: jsonReply(body, { etag }) }
  }

  /** The reply for one server; undefined for an unknown id. */
  function answer(id: ServerId): Reply | undefined {
    const registered = registry.get(id)
    if (!registered) {
      cached.delete(id)
      return undefined
    }
    const hit = cached.get(id)
    const isCurrent = hit?.version === moving.version(id) && hit.where === registry.whereOf(id)
    if (hit?.registered === registered && isCurrent) return hit.reply
    const detail = encode(id, registered)
    cached.set(id, detail)
    return detail.reply
  }

  return { answer }
}
export type DetailCache = ReturnType<typeof createDetailCache>

/** The redacted server, with the volatile parts merged into its health, and the location of its definition. */
export function detailBody({ json }: RegisteredServer, volatile: VolatileParts | undefined, where?: string): Buffer {
  if (!volatile && where === undefined) return json()
  const server = JSON.parse(json().toString()) as { health: object }
  return Buffer.from(JSON.stringify({ ...server, where, health: { ...server.health, ...volatile } }))
}
