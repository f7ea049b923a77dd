import type { Change, RegisteredServer } from '../../model/change.ts'
import { matching, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter, type ServerQuery } from '../../model/query/query.ts'
import type { SelectedServers } from '../../registry/index/server-index.ts'

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** One thing that is watched, as JSON. */
export type Json = () => Buffer

/** What is watched: some of the servers, in one shape. Subjects of one key are the same and share all work. */
export type WatchSelection = {
  readonly key: string
  /** What one of them is called in an event: `server`, `agent`. */
  readonly noun: string
  /** What a change is to whoever sees these only; nothing where it is nothing to them. */
  readonly events: (change: Change) => readonly { readonly type: EventType; readonly json: Json }[]
  /** All there are now. */
  readonly picture: () => readonly Json[]
}

/** The servers that a query asks for, whatever page, order or view it names. */
export function serversAsked(query: ServerQuery, select: (query: ServerQuery) => SelectedServers): WatchSelection {
  const { limit: _limit, continue: _continue, ...filter } = query
  const holds = matching(query)
  return {
    key: `servers ${canonicalFilter(query)}`,
    noun: 'server',
    events(change) {
      const event = transition(change, holds)
      return event ? [{ type: event.type, json: event.registered.json }] : []
    },
    picture: () => select({ ...filter, sort: 'name' }).page.map(({ json }) => json),
  }
}

/** What a change is to somebody who sees only the servers that `holds`; undefined where it is nothing. */
export function transition(
  { now, before }: Change,
  holds: Predicate,
): { readonly type: EventType; readonly registered: RegisteredServer } | undefined {
  const [was, is] = [before !== undefined && holds(before.server), now !== undefined && holds(now.server)]
  if (now && is) return { type: was ? 'MODIFIED' : 'ADDED', registered: now }
  return before && was ? { type: 'DELETED', registered: before } : undefined
}
