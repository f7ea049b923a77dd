import type { PageCursor } from '../../model/query/cursor.ts'
import type { ServerQuery, SortKey } from '../../model/query/query.ts'

type Key = string | number

/** A slot with what it is sorted by. */
export type SortedRow = { readonly slot: number; readonly key: Key }

/** How a query sorts: by what, and which way; ties by id. Undefined where the order of ids is all that is asked. */
export type SortOrder = { readonly by: Exclude<SortKey, 'name'> | 'relevance'; readonly descending: boolean }

export function sortOrderOf({ sort, q }: ServerQuery): SortOrder | undefined {
  if (sort === undefined) return q === undefined ? undefined : { by: 'relevance', descending: true }
  const descending = sort.startsWith('-')
  const by = (descending ? sort.slice(1) : sort) as SortKey
  return by === 'name' ? undefined : { by, descending }
}

/**
 * The first `limit` of those of `slots` that are in, by key, and one more if there is one; `slots` come in the order of
 * their ids, which decides between equal keys.
 *
 * What cannot be on the page is dropped at a glance, so that a page of a long list costs little more than a look at each.
 */
export function firstRowsByKey(
  slots: readonly number[],
  {
    isIn,
    keyOf,
    descending,
    limit,
  }: { isIn: (slot: number) => boolean; keyOf: (slot: number) => Key; descending: boolean; limit: number },
  isAfter: (key: Key, slot: number) => boolean,
): readonly SortedRow[] {
  const isBefore = descending ? (one: Key, other: Key) => one > other : (one: Key, other: Key) => one < other
  let kept: SortedRow[] = []
  let worst: Key | undefined

  function cut(): void {
    // Stable, and what came first has the lower id.
    kept = kept
      .toSorted((one, other) => (isBefore(one.key, other.key) ? -1 : isBefore(other.key, one.key) ? 1 : 0))
      .slice(0, limit + 1)
    worst = kept[limit]?.key
  }

  for (const slot of slots) {
    if (!isIn(slot)) continue
    const key = keyOf(slot)
    if ((worst !== undefined && !isBefore(key, worst)) || !isAfter(key, slot)) continue
    kept.push({ slot, key })
    if (kept.length > 2 * limit + 1024) cut()
  }
  cut()
  return kept
}

/** Whether what has `key` and `id` stands behind a position. */
export function isAfterCursor(key: Key, id: string, after: PageCursor, descending: boolean): boolean {
  if (key === after.key) return id > after.id
  return descending ? key < after.key : key > after.key
}
