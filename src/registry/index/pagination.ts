import type { ServerId } from '../../model/names.ts'
import { type PageCursor, parseCursor } from '../../model/query/cursor.ts'
import type { ServerQuery, SortKey } from '../../model/query/query.ts'
import type { Server } from '../../model/server.ts'
import { membershipOf, type SlotSet } from './slot-set.ts'
import type { SlotTable } from './slot-table.ts'

type Key = string | number

/** A slot with its sort key. */
export type SortedRow = { readonly slot: number; readonly key: Key }

type Table = Pick<SlotTable, 'ids' | 'rows' | 'sorted'>

/** The response time of a server's last probe in ms; undefined where there is none. */
export type ResponseTimeOf = (id: ServerId) => number | undefined

/** The sort key and direction of a query; ties are broken by id. Undefined where the order is by id alone. */
type SortOrder = { readonly by: Exclude<SortKey, 'name'> | 'relevance'; readonly descending: boolean }

function sortOrderOf({ sort, q }: ServerQuery): SortOrder | undefined {
  if (sort === undefined) return q === undefined ? undefined : { by: 'relevance', descending: true }
  const descending = sort.startsWith('-')
  const by = (descending ? sort.slice(1) : sort) as SortKey
  return by === 'name' ? undefined : { by, descending }
}

/** The rows of the page that a query asks for, and the row after the page, if any. `scores` holds the relevance by slot. */
export function pageOf(
  matches: SlotSet,
  query: ServerQuery,
  table: Table,
  { scores, responseTimeOf }: { scores: Readonly<Uint8Array>; responseTimeOf: ResponseTimeOf },
): readonly SortedRow[] {
  const { limit = Infinity } = query
  const position = parseCursor(query)
  const after = position && 'id' in position ? position : undefined
  const order = sortOrderOf(query)
  if (!order) return pageById(matches, { after, limit, descending: query.sort === '-name' }, table)
  const { descending } = order
  const { ids, rows } = table
  const keyOfServer = keyIn(order, responseTimeOf)
  const keyOf = (slot: number) => {
    if (order.by === 'relevance') return scores[slot] ?? 0
    const server = rows[slot]?.server
    return server ? keyOfServer(server) : ''
  }
  const isAfter = (key: Key, slot: number) => !after || isAfterCursor(key, ids[slot] ?? '', after, descending)
  const options = { isIn: membershipOf(matches), keyOf, descending, limit }
  return firstRowsByKey(candidatesById(matches, table), options, isAfter)
}

/** Reads the sort key of a server. What is not known sorts last in both directions. */
function keyIn({ by, descending }: SortOrder, responseTimeOf: ResponseTimeOf): (server: Server) => Key {
  // Not infinite: a cursor is JSON.
  const last = descending ? -Number.MAX_VALUE : Number.MAX_VALUE
  if (by === 'response_time') return ({ id }) => responseTimeOf(id) ?? last
  if (by === 'status_since') return ({ health }) => Date.parse(health.since) || last
  return (server) => (by === 'relevance' ? 0 : server[by])
}

function pageById(
  matches: SlotSet,
  { after, limit, descending }: { after: PageCursor | undefined; limit: number; descending: boolean },
  table: Table,
): readonly SortedRow[] {
  const slots = candidatesById(matches, table)
  const isIn = membershipOf(matches)
  const rows: SortedRow[] = []
  const step = descending ? -1 : 1
  for (let index = startOf(slots, after, descending, table); index >= 0 && index < slots.length; index += step) {
    const slot = slots[index] ?? 0
    if (isIn(slot)) rows.push({ slot, key: '' })
    if (rows.length > limit) break
  }
  return rows
}

/** The slots to visit, by id: those of a list, or every slot where the set is bits. */
function candidatesById(matches: SlotSet, { sorted }: Table): readonly number[] {
  return 'slots' in matches ? matches.slots.toSorted(sorted.byId) : sorted.all()
}

function startOf(
  slots: readonly number[],
  after: PageCursor | undefined,
  descending: boolean,
  { ids, sorted }: Table,
): number {
  if (!after) return descending ? slots.length - 1 : 0
  const behind = sorted.indexAfter(after.id, slots)
  if (!descending) return behind
  return ids[slots[behind - 1] ?? -1] === after.id ? behind - 2 : behind - 1
}

/**
 * The first `limit` rows by key among the slots that are `isIn`, and one more, if any. `slots` are sorted by id, which
 * breaks ties.
 *
 * Holds no more than twice a page: a row that sorts behind the page is skipped by one comparison.
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
  let rows: SortedRow[] = []
  let lastKey: Key | undefined

  function trim(): void {
    // The sort is stable, so rows of equal keys stay in the order of their ids.
    rows = rows
      .toSorted((one, other) => (isBefore(one.key, other.key) ? -1 : isBefore(other.key, one.key) ? 1 : 0))
      .slice(0, limit + 1)
    lastKey = rows[limit]?.key
  }

  for (const slot of slots) {
    if (!isIn(slot)) continue
    const key = keyOf(slot)
    if ((lastKey !== undefined && !isBefore(key, lastKey)) || !isAfter(key, slot)) continue
    rows.push({ slot, key })
    if (rows.length > 2 * limit + 1024) trim()
  }
  trim()
  return rows
}

/** Whether a row of this key and id sorts after the cursor. */
export function isAfterCursor(key: Key, id: string, after: PageCursor, descending: boolean): boolean {
  if (key === after.key) return id > after.id
  return descending ? key < after.key : key > after.key
}
