import type { ServerId } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { RosterError } from './error.ts'
import type { EventBatch, RosterEvent } from './event-batcher.ts'
import type { Resumption } from './watch.ts'

export type FollowOptions<Shown = Server> = {
  /** Stops following. */
  readonly signal?: AbortSignal | undefined
  /** Called after each revision with changes, once `servers` shows them. */
  readonly onChange?: ((events: readonly RosterEvent<Shown>[]) => void) | undefined
  /** Called when the connection is lost, with the pause before the next attempt. `servers` keeps its content meanwhile. */
  readonly onPause?: ((error: RosterError, ms: number) => void) | undefined
  /** Called when events come again after a loss, before `servers` shows them. Says whether each change meanwhile is among them. */
  readonly onResume?: ((resumption: Resumption) => void) | undefined
}

/** A map of servers that a watch keeps up to date. */
export type Following<Shown = Server> = AsyncDisposable & {
  /** By id (`namespace/name`). Always the same map; it changes by whole revisions. */
  readonly servers: ReadonlyMap<ServerId, Shown>
  /** Token of the revision that `servers` shows. */
  readonly token: () => string
  /** Resolves when following ends: with the error that ended it, or with undefined after a stop. */
  readonly ended: Promise<RosterError | undefined>
}

/** Applies the batches of a watch to a map; resolves once the map is complete. */
export async function followBatches(
  batches: (signal: AbortSignal) => AsyncGenerator<EventBatch>,
  { signal, onChange }: FollowOptions,
): Promise<Following> {
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  const changes = batches(stopping.signal)
  const servers = new Map<ServerId, Server>()
  let token = ''

  function apply(batch: EventBatch): void {
    for (const event of batch.events) applyTo(servers, event)
    token = batch.token
    if (batch.events.some(({ type }) => type !== 'BOOKMARK')) onChange?.(batch.events)
  }

  async function run(): Promise<RosterError | undefined> {
    try {
      for await (const batch of changes) apply(batch)
      return undefined
    } catch (error) {
      return error instanceof RosterError ? error : new RosterError(String(error), { cause: error })
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  const first = await changes.next()
  if (first.done)
    throw new RosterError('following was stopped before the first list was complete', { cause: signal?.reason })
  apply(first.value)
  const ended = run()
  return {
    servers,
    token: () => token,
    ended,
    async [Symbol.asyncDispose]() {
      stop()
      await ended
    },
  }
}

function applyTo(servers: Map<ServerId, Server>, event: RosterEvent): void {
  if (event.type === 'ADDED' || event.type === 'MODIFIED') servers.set(event.server.id, event.server)
  else if (event.type === 'DELETED') servers.delete(event.server.id)
}
