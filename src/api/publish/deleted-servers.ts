import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import type { Batch, Change } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import { redactServer } from '../../model/redaction/redact.ts'
import type { Server } from '../../model/server.ts'
import { descriptionOf, versionOf } from './card.ts'

/** What is remembered of a server that is published no more. */
export type Deleted = {
  readonly id: ServerId
  readonly server: Pick<Server, 'namespace' | 'name'>
  readonly description: string
  readonly version: string
  readonly published_at: string
  readonly deleted_at: string
}

/** Whether a server is for others to see. */
export function isPublished({ enabled }: Pick<Server, 'enabled'>): boolean {
  return enabled
}

/**
 * The servers that were published since the daemon started and are no more, the newest `most` of them: whoever asks what
 * changed since a moment must hear of them.
 */
export function createDeleted({
  subscribe,
  most = 10_000,
  now = Date.now,
}: {
  subscribe: (push: (batch: Batch) => void) => () => void
  most?: number
  now?: () => number
}) {
  const deleted = new Map<ServerId, Deleted>()

  const backlog = createChunkedQueue(note)
  subscribe(({ changes }) => backlog.add(changes))

  function note({ now: after, before }: Change): void {
    if (after && isPublished(after.server)) deleted.delete(after.server.id)
    else if (before && isPublished(before.server)) bury(before.server)
  }

  function bury(server: Server): void {
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
    const [oldest] = deleted.size > most ? deleted.keys() : []
    if (oldest !== undefined) deleted.delete(oldest)
  }

  /** Those whose id comes after `after`, by id. */
  function list(after: ServerId | undefined): readonly Deleted[] {
    backlog.settle()
    const all = [...deleted.values()]
    const behind = after === undefined ? all : all.filter(({ id }) => id > after)
    return behind.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  }

  return { get: (id: ServerId) => (backlog.settle(), deleted.get(id)), list }
}
export type DeletedServers = ReturnType<typeof createDeleted>
