import type { Change, RegisteredServer } from '../../model/change.ts'
import { matching, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter, type ServerQuery } from '../../model/query/query.ts'
import type { SelectedServers } from '../../registry/index/server-index.ts'
import { encoderFor } from '../servers/list/list-encoding.ts'

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

/**
 * The servers that match a query, with the query's fields. Its limit, cursor, order and view do not apply.
 *
 * A change in other fields alone is outside the selection.
 */
export function serverSelection(query: ServerQuery, select: (query: ServerQuery) => SelectedServers): WatchSelection {
  const { limit: _limit, continue: _continue, view: _view, ...filter } = query
  const { fields } = query
  const matches = matching(query)
  const { encode } = encoderFor({ fields }, () => undefined)
  const isShownAlike = ({ now, before }: Change) =>
    fields.length > 0 && now !== undefined && before !== undefined && encode(now).equals(encode(before))
  return {
    key: `servers ${canonicalFilter(query)}${fields.length === 0 ? '' : ` ${fields.join()}`}`,
    noun: 'server',
    events(change) {
      const event = transition(change, matches)
      if (!event || (event.type === 'MODIFIED' && isShownAlike(change))) return []
      return [{ type: event.type, json: () => encode(event.registered) }]
    },
    snapshot: () => select({ ...filter, sort: 'name' }).page.map((registered) => () => encode(registered)),
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
