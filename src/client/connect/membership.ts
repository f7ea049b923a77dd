import { createBackoff } from '../../flow/backoff.ts'
import type { ServerId } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { pause } from '../roster/cancellation.ts'
import type { RosterError } from '../roster/error.ts'
import type { RosterEvent } from '../roster/event-batcher.ts'
import type { Following } from '../roster/follow.ts'
import type { WatchQuery } from '../roster/query.ts'
import type { Roster } from '../roster/roster.ts'
import type { EmittedEvent } from './fleet-events.ts'

/** Pauses before the roster is followed again after it refused, in ms. */
const refusedMs = { first: 1000, max: 60_000 }

type Parts = {
  readonly roster: Pick<Roster, 'follow'>
  readonly query: WatchQuery
  readonly signal: AbortSignal
  /** A server that matches, or none any more. */
  readonly onServer: (id: ServerId, server: Server | undefined) => void
  readonly emit: (event: EmittedEvent) => void
}

/**
 * Follows the registry: tells of each server that matches the query, of its changes, and of its leaving. While the roster is away, or
 * refuses, nothing changes.
 *
 * Resolves once the first list is complete.
 *
 * @throws {RosterError} The query is invalid, the token lacks the right, or the other side is not a roster.
 */
export async function followMembers({
  roster,
  query,
  signal,
  onServer,
  emit,
}: Parts): Promise<{ readonly ended: Promise<void> }> {
  let isAway = false
  let known: ReadonlyMap<ServerId, Server> = new Map()

  function away({ message }: RosterError): void {
    if (!isAway) emit({ type: 'roster_lost', reason: message })
    isAway = true
  }

  function back(): void {
    if (isAway) emit({ type: 'roster_back', reason: 'the roster answers' })
    isAway = false
  }

  function apply(events: readonly RosterEvent[]): void {
    for (const event of events) {
      if (event.type === 'DELETED') onServer(event.server.id, undefined)
      else if (event.type === 'ADDED' || event.type === 'MODIFIED') onServer(event.server.id, event.server)
    }
  }

  /** Follows from a complete list; what it lacks of the last one is gone. */
  async function follow(): Promise<Following> {
    let isListed = false
    const onChange = (events: readonly RosterEvent[]) => void (isListed && apply(events))
    const following = await roster.follow(query, { signal, onChange, onPause: away, onResume: back })
    isListed = true
    back()
    for (const id of known.keys()) if (!following.servers.has(id)) onServer(id, undefined)
    for (const [id, server] of following.servers) onServer(id, server)
    known = following.servers
    return following
  }

  async function keepFollowing(first: Following): Promise<void> {
    const backoff = createBackoff({ firstMs: refusedMs.first, maxMs: refusedMs.max })
    let following: Following | undefined = first
    while (!signal.aborted) {
      const error: RosterError | undefined = await following?.ended
      if (signal.aborted) return
      if (error) away(error)
      await pause(backoff.next(), signal)
      following = await follow().catch((refusal: RosterError) => void (signal.aborted || away(refusal)))
      if (following) backoff.reset()
    }
  }

  return { ended: keepFollowing(await follow()) }
}
