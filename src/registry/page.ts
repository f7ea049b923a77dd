import type { Registered } from '../model/change.ts'
import type { Position } from '../model/position.ts'
import type { ServerQuery, SortKey } from '../model/query.ts'

/** A server with what it is sorted by. */
export type Ranked = { readonly registered: Registered; readonly key: string | number }

/** How a query sorts: by what, and which way; ties by id. Undefined where the order of ids is all that is asked. */
export type Sorting = {
  readonly keyOf: (registered: Registered) => string | number
  readonly descending: boolean
}

export function sortingOf({ sort, q }: ServerQuery, relevanceOf: Sorting['keyOf']): Sorting | undefined {
  if (sort === undefined) return q === undefined ? undefined : { keyOf: relevanceOf, descending: true }
  const descending = sort.startsWith('-')
  const by = (descending ? sort.slice(1) : sort) as SortKey
  return by === 'name' ? undefined : { keyOf: ({ server }) => server[by], descending }
}

/**
 * The first `limit` of `found` after `after`, in order.
 *
 * What cannot be on the page is dropped while going through, so that a page of a long list costs little more than a look
 * at each.
 */
export function firstOf(
  found: Iterable<Registered>,
  { keyOf, descending }: Sorting,
  { after, limit = Infinity }: { after: Position | undefined; limit?: number | undefined },
): { readonly page: readonly Registered[]; readonly last?: Ranked } {
  const down = descending ? -1 : 1
  const compare = (key: string | number, id: string, otherKey: string | number, otherId: string) => {
    if (key !== otherKey) return key < otherKey ? -down : down
    return id < otherId ? -1 : id === otherId ? 0 : 1
  }
  const inOrder = (one: Ranked, other: Ranked) =>
    compare(one.key, one.registered.server.id, other.key, other.registered.server.id)
  let kept: Ranked[] = []
  let worst: Ranked | undefined

  function cut(): void {
    kept = kept.toSorted(inOrder).slice(0, limit + 1)
    worst = kept[limit]
  }

  for (const registered of found) {
    const { id } = registered.server
    const key = keyOf(registered)
    if (after && compare(key, id, after.key, after.id) <= 0) continue
    if (worst && compare(key, id, worst.key, worst.registered.server.id) >= 0) continue
    kept.push({ registered, key })
    if (kept.length > 2 * limit + 1024) cut()
  }
  cut()
  const shown = kept.slice(0, limit)
  const page = shown.map((ranked) => ranked.registered)
  const last = shown.at(-1)
  return kept.length > limit && last ? { page, last } : { page }
}
