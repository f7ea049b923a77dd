import type { ServerId } from '../model/identity.ts'
import type { Server } from '../model/server.ts'
import { RosterError } from './error.ts'
import type { EventBatch, RosterEvent } from './picture.ts'

export type FollowOptions = {
  /** Ends the following. */
  readonly signal?: AbortSignal | undefined
  /** Told after each revision that changed something, when `servers` shows it. */
  readonly onChange?: ((events: readonly RosterEvent[]) => void) | undefined
  /** Told whenever the connection is lost, and when it will be tried again. Until then `servers` keeps what it has. */
  readonly onPause?: ((error: RosterError, ms: number) => void) | undefined
}

/** Servers as they are now, kept by a watch. */
export type Following = AsyncDisposable & {
  /** By id (`namespace/name`). Always the same map; it changes a revision at a time. */
  readonly servers: ReadonlyMap<ServerId, Server>
  /** Up to which revision. */
  readonly token: () => string
  /** Resolves when nothing follows any more: with the error that ended it, or with nothing where it was told to end. */
  readonly ended: Promise<RosterError | undefined>
}

/** Keeps a map up to date with a watch from its beginning; resolves once it holds what there is. */
export async function followBatches(
  batches: (signal: AbortSignal) => AsyncGenerator<EventBatch>,
  { signal, onChange }: FollowOptions,
): Promise<Following> {
  const ending = new AbortController()
  const end = () => ending.abort()
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end, { once: true })
  const changes = batches(ending.signal)
  const servers = new Map<ServerId, Server>()
  let token = ''

  function apply(batch: EventBatch): void {
    for (const event of batch.events) applyTo(servers, event)
    token = batch.token
    if (batch.events.some(({ type }) => type !== 'BOOKMARK')) onChange?.(batch.events)
  }

  async function go(): Promise<RosterError | undefined> {
    try {
      for await (const batch of changes) apply(batch)
      return undefined
    } catch (error) {
      return error instanceof RosterError ? error : new RosterError(String(error), { cause: error })
    } finally {
      signal?.removeEventListener('abort', end)
    }
  }

  const first = await changes.next()
  if (first.done) throw new RosterError('told to end before there was a picture', { cause: signal?.reason })
  apply(first.value)
  const ended = go()
  return {
    servers,
    token: () => token,
    ended,
    async [Symbol.asyncDispose]() {
      end()
      await ended
    },
  }
}

function applyTo(servers: Map<ServerId, Server>, event: RosterEvent): void {
  if (event.type === 'ADDED' || event.type === 'MODIFIED') servers.set(event.server.id, event.server)
  else if (event.type === 'DELETED') servers.delete(event.server.id)
}
