import { randomBytes } from 'node:crypto'
import type { Registered } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import type { Registry } from '../registry/registry.ts'
import { jsonReply, type Reply } from './reply.ts'

/** What moves with every probe or heartbeat, and a number that grows whenever it does. */
export type Volatile = { readonly version: number; readonly [field: string]: unknown }

type Made = { readonly registered: Registered; readonly version: number | undefined; readonly reply: Reply }

/** Most servers asked for one by one whose bytes are kept. */
const mostKept = 10_000

/** Answers for single servers. The bytes of an answer are used again until the server changes or is probed. */
export function createOne({
  registry,
  volatile,
}: {
  registry: Pick<Registry, 'get'>
  volatile: (id: ServerId) => Volatile | undefined
}) {
  // A tag made in an earlier life of the daemon must match nothing.
  const life = randomBytes(4).toString('hex')
  const kept = new Map<ServerId, Made>()

  function make(registered: Registered, moving: Volatile | undefined): Made {
    const tag = `"${registered.server.resource_version};${life}-${moving?.version ?? 0}"`
    return { registered, version: moving?.version, reply: jsonReply(bodyOf(registered, moving), { etag: tag }) }
  }

  function keep(id: ServerId, made: Made): void {
    if (kept.size >= mostKept && !kept.has(id)) kept.clear()
    kept.set(id, made)
  }

  /** The answer for one server; undefined where there is none of this id. */
  function answer(id: ServerId): Reply | undefined {
    const registered = registry.get(id)
    if (!registered) return undefined
    const moving = volatile(id)
    const before = kept.get(id)
    if (before && before.registered === registered && before.version === moving?.version) return before.reply
    const made = make(registered, moving)
    keep(id, made)
    return made.reply
  }

  return { answer }
}
export type One = ReturnType<typeof createOne>

/** The redacted server with what moves merged into its health. */
export function bodyOf({ json }: Registered, moving: Volatile | undefined): Buffer {
  if (!moving) return json()
  const { version: _version, ...health } = moving
  const server = JSON.parse(json().toString()) as { health: object }
  return Buffer.from(JSON.stringify({ ...server, health: { ...server.health, ...health } }))
}
