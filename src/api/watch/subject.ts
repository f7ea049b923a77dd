import type { Registered } from '../../model/change.ts'
import { matching } from '../../model/matching.ts'
import { canonicalFilter, type ServerQuery } from '../../model/query.ts'
import type { Selection } from '../../registry/indexes.ts'

/** What is watched: some of the servers, in one shape. Subjects of one key are the same and share all work. */
export type Subject = {
  readonly key: string
  /** What one of them is called in an event: `server`, `agent`. */
  readonly noun: string
  readonly holds: (registered: Registered) => boolean
  /** One of them as JSON. */
  readonly encode: (registered: Registered) => Buffer
  /** All there are now. */
  readonly picture: () => readonly Registered[]
}

/** The servers that a query asks for, whatever page, order or view it names. */
export function serversAsked(query: ServerQuery, select: (query: ServerQuery) => Selection): Subject {
  const { limit: _limit, continue: _continue, ...filter } = query
  const matches = matching(query)
  return {
    key: `servers ${canonicalFilter(query)}`,
    noun: 'server',
    holds: ({ server }) => matches(server),
    encode: ({ json }) => json(),
    picture: () => select({ ...filter, sort: 'name' }).page,
  }
}
