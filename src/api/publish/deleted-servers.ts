import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import type { Batch, Change } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import { redactServer } from '../../model/redaction/redact-server.ts'
import type { Server } from '../../model/server.ts'
import { descriptionOf, versionOf } from './card.ts'

/** A server that was published since the start and no longer is. */
export type DeletedServer = {
  readonly id: ServerId
  readonly server: Pick<Server, 'namespace' | 'name'>
  readonly description: string
  readonly version: string
  readonly published_at: string
  readonly deleted_at: string
}

export function isPublished({ enabled }: Pick<Server, 'enabled'>): boolean {
  return enabled
}

export type DeletedServers = ReturnType<typeof createDeletedServers>

/**
 * The servers that were published since the daemon started and no longer are, for clients that ask what changed. Holds the
 * newest `maxServers`.
 */
export function createDeletedServers({
  subscribe,
  maxServers = 10_000,
  now = Date.now,
}: {
  subscribe: (push: (batch: Batch) => void) => () => void
  maxServers?: number
  now?: () => number
}) {
  const deleted = new Map<ServerId, DeletedServer>()
  const queue = createChunkedQueue(apply)
  subscribe(({ changes }) => queue.add(changes))

  function apply({ now: after, before }: Change): void {
    if (after && isPublished(after.server)) deleted.delete(after.server.id)
    else if (before && isPublished(before.server)) add(before.server)
  }

  function add(server: Server): void {
    const { id, namespace, name, created_at } = server
    deleted.delete(id)
    deleted.set(id, {
      id,
      server: { namespace, name },
      description: descriptionOf(redactServer(server)),
      version: versionOf(server),
      published_at: created_at,
      deleted_at: new Date(now()).toISOString(),
    })
    const [oldest] = deleted.size > maxServers ? deleted.keys() : []
    if (oldest !== undefined) deleted.delete(oldest)
  }

  function get(id: ServerId): DeletedServer | undefined {
    queue.drain()
    return deleted.get(id)
  }

  /** The deleted servers with an id greater than `after`, sorted by id. */
  function list(after: ServerId | undefined): readonly DeletedServer[] {
    queue.drain()
    const all = [...deleted.values()]
    const following = after === undefined ? all : all.filter(({ id }) => id > after)
    return following.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  }

  return { get, list }
}
