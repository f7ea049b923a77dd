import { runCooperatively } from '../../flow/cooperative.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { type ServerId, serverId } from '../../model/names.ts'
import { encodeCursor } from '../../model/query/cursor.ts'
import { matching, type NameTest, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter, type ServerQuery, unfilteredQuery } from '../../model/query/query.ts'
import { nearMatch, relevanceTo, searchTextOf, wordsOf } from '../../model/query/search.ts'
import type { Server } from '../../model/server.ts'
import { type IndexField, indexedFields } from './indexed-fields.ts'
import { createInvertedIndex } from './inverted-index.ts'
import { pageOf, type ResponseTimeOf } from './pagination.ts'
import { sizeOf } from './postings.ts'
import { planQuery } from './query-plan.ts'
import { countSlots, evaluatePlan, filterSlots, replaceSlots, type SlotSet, toBitsIfLarge } from './slot-set.ts'
import { createSlotTable } from './slot-table.ts'
import { relevanceOfSlots } from './text-search.ts'

/** The result of a query: the number of servers that match, and one page of them. */
export type SelectedServers = {
  readonly total: number
  readonly page: readonly RegisteredServer[]
  /** Cursor of the next page; absent on the last one. */
  readonly next?: string
}

export type ServerIndex = ReturnType<typeof createServerIndex<RegisteredServer>>

/** Maximum slots indexed within one query; the background indexes the rest, and the query tests those one by one. */
const maxInlineUpdates = 256
const noFilter = canonicalFilter(unfilteredQuery)

/**
 * Holds the servers and answers queries, at a cost that grows with the result.
 *
 * `put` only records what changed, so that a commit of thousands does not block. The inverted index follows at the next
 * query or in the background, and may contain servers that are only expected. Answers always reflect exactly what
 * was put.
 */
export function createServerIndex<Row extends RegisteredServer>({
  responseTimeOf = () => undefined,
}: { responseTimeOf?: ResponseTimeOf } = {}) {
  const table = createSlotTable<Row>()
  const { ids, rows, sorted } = table
  const inverted = createInvertedIndex()
  const slotOf = (namespace: string, name: string) => table.slotOf(serverId(namespace, name))
  /** Slots where the inverted index may differ from `rows`. */
  const pending = new Set<number>()
  let isCatchingUp = false
  /** By slot: its relevance to the last text search. */
  let scores = new Uint8Array()
  let listed: readonly Row[] | undefined

  function get(id: ServerId): Row | undefined {
    const slot = table.slotOf(id)
    return slot === undefined ? undefined : rows[slot]
  }

  /** Replaces the server of a slot; undefined removes it. */
  function put(slot: number, now: Row | undefined): void {
    listed = undefined
    table.set(slot, now)
    if (!now || inverted.indexed(slot) !== now.server) markPending(slot)
  }

  function markPending(slot: number): void {
    pending.add(slot)
    if (!isCatchingUp) void catchUpInBackground()
  }

  /** Indexes servers ahead of `put`, which must follow, or `release`. Yields wherever it may be interrupted. */
  function* expect(expected: Iterable<Row>): Generator<void, void> {
    for (const { server } of expected) {
      yield
      const slot = table.slotFor(server.id)
      if (rows[slot] === undefined) inverted.update(slot, server)
    }
    yield
    sorted.all()
  }

  /** Frees the slots of expected servers that were not put. */
  function release(all: Iterable<ServerId>): void {
    for (const id of all) {
      const slot = table.slotOf(id)
      if (slot !== undefined && rows[slot] === undefined) markPending(slot)
    }
  }

  function catchUp(): void {
    const dead: number[] = []
    let left = maxInlineUpdates
    for (const slot of pending) {
      const server = rows[slot]?.server
      inverted.update(slot, server)
      if (!server) dead.push(slot)
      pending.delete(slot)
      left -= 1
      if (left === 0) break
    }
    if (dead.length > 0) table.free(dead)
  }

  async function catchUpInBackground(): Promise<void> {
    isCatchingUp = true
    await runCooperatively(catchUpSteps())
    isCatchingUp = false
  }

  function* catchUpSteps(): Generator<void, void> {
    while (pending.size > 0) {
      catchUp()
      yield
    }
  }

  /** The slots that match the filter of a query, but for `q`. */
  function findAll(query: ServerQuery, isNamed: NameTest): SlotSet {
    // Queries help to catch up: under load the background alone would get one slice per query, and fall behind.
    catchUp()
    const { verify, ...plan } = planQuery(query, { ...inverted, slotOf }, isNamed)
    const matches = evaluatePlan(plan, table.occupied(), ids.length)
    const verified = verify ? filterSlots(matches, (slot) => holdsFor(slot, verify)) : matches
    if (pending.size === 0) return verified
    const holds = matching(query, isNamed)
    const fresh = [...pending].filter((slot) => holdsFor(slot, holds))
    return replaceSlots(verified, pending, fresh)
  }

  function holdsFor(slot: number, holds: Predicate): boolean {
    const server = rows[slot]?.server
    return server !== undefined && holds(server)
  }

  /** The slots of `matches` whose text matches `q`; sets their `scores`. */
  function search(matches: SlotSet, q: string, fuzzy: boolean): SlotSet {
    const indexed = relevanceOfSlots(inverted, { q, fuzzy, capacity: ids.length })
    const relevance = relevanceTo(wordsOf(q), fuzzy ? nearMatch : undefined)
    if (scores.length < ids.length) scores = new Uint8Array(ids.length * 2)
    return filterSlots(matches, (slot) => {
      const fresh = pending.has(slot) ? rows[slot]?.server : undefined
      const score = fresh ? relevance(searchTextOf(fresh)) : indexed(slot)
      scores[slot] = score
      return score > 0
    })
  }

  /** Answers a query: the number of matches, and one page. `isNamed` replaces the query's own test of capability names. */
  function select(query: ServerQuery, isNamed?: NameTest): SelectedServers {
    const { limit, sort, q } = query
    const isFiltered = canonicalFilter(query) !== noFilter
    if (!isFiltered && limit === undefined && sort === undefined) return { total: list().length, page: list() }
    const all = isFiltered
      ? findAll(query, isNamed)
      : evaluatePlan({ required: [], excluded: [] }, table.occupied(), ids.length)
    const matches = q === undefined ? all : search(all, q, query.fuzzy_match)
    const sortedRows = pageOf(toBitsIfLarge(matches, ids.length), query, table, { scores, responseTimeOf })
    const page = sortedRows.slice(0, limit).flatMap(({ slot }) => rows[slot] ?? [])
    const last = limit !== undefined && sortedRows.length > limit ? sortedRows[limit - 1] : undefined
    const next = last && encodeCursor(query, { key: last.key, id: ids[last.slot] ?? '' })
    return { total: countSlots(matches), page, ...(next === undefined ? {} : { next }) }
  }

  /** Every server, by id; the same array until something changes. */
  function list(): readonly Row[] {
    listed ??= sorted.all().flatMap((slot) => rows[slot] ?? [])
    return listed
  }

  /** The number of servers per value of a field. */
  function counts(field: IndexField): ReadonlyMap<string, number> {
    catchUp()
    const counted = new Map<string, number>()
    for (const [value, posting] of inverted.entries(field)) counted.set(value, sizeOf(posting))
    const add = (values: readonly string[], amount: number) => {
      for (const value of new Set(values)) counted.set(value, (counted.get(value) ?? 0) + amount)
    }
    const count = (server: Server | undefined, amount: number) =>
      server && add(indexedFields[field].valuesOf(server), amount)
    for (const slot of pending) count(rows[slot]?.server, 1)
    for (let slot = 0; slot < ids.length; slot += 1) {
      if (rows[slot] === undefined || pending.has(slot)) count(inverted.indexed(slot), -1)
    }
    for (const [value, count] of counted) if (count === 0) counted.delete(value)
    return counted
  }

  return {
    get,
    at: (slot: number) => rows[slot],
    slotFor: table.slotFor,
    put,
    expect,
    release,
    select,
    list,
    counts,
    size: () => {
      const occupied = table.occupied()
      return occupied === undefined ? 0 : sizeOf(occupied)
    },
  }
}
