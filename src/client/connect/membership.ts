import { createBackoff } from '../../flow/backoff.ts'
import type { ServerId } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { createWatchdog, pause } from '../roster/cancellation.ts'
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
  /** Maximum time until the first list, in ms. */
  readonly timeoutMs: number
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
 * @throws {RosterError} The query is invalid, the token lacks the right, the other side is not a roster, or does not answer in time.
 */
export async function followMembers({
  roster,
  query,
  signal,
  timeoutMs,
  onServer,
  emit,
}: Parts): Promise<{ readonly ended: Promise<void> }> {
  let isAway = false
  let lastFailure: RosterError | undefined
  let known: ReadonlyMap<ServerId, Server> = new Map()

  function away(failure: RosterError): void {
    lastFailure = failure
    if (!isAway) emit({ type: 'roster_lost', reason: failure.message })
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
  async function follow(until = signal): Promise<Following> {
    let isListed = false
    const onChange = (events: readonly RosterEvent[]) => void (isListed && apply(events))
    const following = await roster.follow(query, { signal: until, onChange, onPause: away, onResume: back })
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

  /** The first list decides whether there is a fleet at all, so it has a time limit. */
  async function followFirst(): Promise<Following> {
    const limit = new AbortController()
    using _ = createWatchdog(timeoutMs, () => limit.abort())
    try {
      return await follow(AbortSignal.any([signal, limit.signal]))
    } catch (error) {
      signal.throwIfAborted()
      throw limit.signal.aborted ? (lastFailure ?? error) : error
    }
  }

  return { ended: keepFollowing(await followFirst()) }
}
