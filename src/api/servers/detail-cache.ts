import { hash } from 'node:crypto'
import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import type { Registry } from '../../registry/registry.ts'
import { jsonReply, type Reply } from '../http/reply.ts'

/** What moves with every probe or heartbeat. */
export type VolatileParts = Readonly<Record<string, unknown>>

export type Moving = {
  readonly volatile: (id: ServerId) => VolatileParts | undefined
  /** Another number whenever `volatile` says something else. */
  readonly version: (id: ServerId) => number | string
}

type Made = { readonly registered: RegisteredServer; readonly version: number | string; readonly reply: Reply }

/** What the answers kept may weigh together. */
const keptBytes = 8 * 1024 * 1024

/** Answers for single servers. The bytes of an answer are used again until the server changes or is probed. */
export function createDetailCache({ registry, moving }: { registry: Pick<Registry, 'get'>; moving: Moving }) {
  const kept = new Map<ServerId, Made>()
  let weight = 0

  function make(id: ServerId, registered: RegisteredServer): Made {
    const version = moving.version(id)
    const body = detailBody(registered, moving.volatile(id))
    // Its version says nothing of what moves, nor of the status of what a store versions: the bytes do.
    const etag = `"${registered.server.resource_version};${hash('sha1', body, 'base64url').slice(0, 12)}"`
    return { registered, version, reply: jsonReply(body, { etag }) }
  }

  function keep(id: ServerId, made: Made): void {
    forget(id)
    kept.set(id, made)
    weight += made.reply.body.length
    for (const oldest of kept.keys()) {
      if (weight <= keptBytes) return
      forget(oldest)
    }
  }

  function forget(id: ServerId): void {
    weight -= kept.get(id)?.reply.body.length ?? 0
    kept.delete(id)
  }

  /** The answer for one server; undefined where there is none of this id. */
  function answer(id: ServerId): Reply | undefined {
    const registered = registry.get(id)
    if (!registered) {
      forget(id)
      return undefined
    }
    const before = kept.get(id)
    if (before?.registered === registered && before.version === moving.version(id)) return before.reply
    const made = make(id, registered)
    keep(id, made)
    return made.reply
  }

  return { answer }
}
export type DetailCache = ReturnType<typeof createDetailCache>

/** The redacted server with what moves merged into its health. */
export function detailBody({ json }: RegisteredServer, moving: VolatileParts | undefined): Buffer {
  if (!moving) return json()
  const server = JSON.parse(json().toString()) as { health: object }
  return Buffer.from(JSON.stringify({ ...server, health: { ...server.health, ...moving } }))
}
