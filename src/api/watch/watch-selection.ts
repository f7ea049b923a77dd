import type { Change, RegisteredServer } from '../../model/change.ts'
import { matching, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter, type ServerQuery } from '../../model/query/query.ts'
import type { SelectedServers } from '../../registry/index/server-index.ts'

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** Encodes one watched resource as JSON. */
export type EncodeJson = () => Buffer

/** What a watch shows: some resources, in one shape. Watches with the same key share all work. */
export type WatchSelection = {
  readonly key: string
  /** The field of an event that holds the resource: `server`, `agent`, `capability`. */
  readonly noun: string
  /** The events of a change; none where the change is outside the selection. */
  readonly events: (change: Change) => readonly { readonly type: WatchEventType; readonly json: EncodeJson }[]
  /** Every resource of the selection, as of now. */
  readonly snapshot: () => readonly EncodeJson[]
}

/** The servers that match a query. Its limit, cursor, order and view do not apply. */
export function serverSelection(query: ServerQuery, select: (query: ServerQuery) => SelectedServers): WatchSelection {
  const { limit: _limit, continue: _continue, ...filter } = query
  const matches = matching(query)
  return {
    key: `servers ${canonicalFilter(query)}`,
    noun: 'server',
    events(change) {
      const event = transition(change, matches)
      return event ? [{ type: event.type, json: event.registered.json }] : []
    },
    snapshot: () => select({ ...filter, sort: 'name' }).page.map(({ json }) => json),
  }
}

/** The event of a change for a watcher that sees only servers that match; undefined where there is none. */
export function transition(
  { now, before }: Change,
  matches: Predicate,
): { readonly type: WatchEventType; readonly registered: RegisteredServer } | undefined {
  const [didMatch, doesMatch] = [
    before !== undefined && matches(before.server),
    now !== undefined && matches(now.server),
  ]
  if (now && doesMatch) return { type: didMatch ? 'MODIFIED' : 'ADDED', registered: now }
  return before && didMatch ? { type: 'DELETED', registered: before } : undefined
}
