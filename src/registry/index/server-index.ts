import { runCooperatively } from '../../flow/cooperative.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { type ServerId, serverId } from '../../model/names.ts'
import { encodeCursor, type PageCursor, parseCursor } from '../../model/query/cursor.ts'
import { matching, type NameTest, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter, unfilteredQuery, type ServerQuery } from '../../model/query/query.ts'
import { nearMatch, relevanceTo, searchTextOf, wordsOf } from '../../model/query/search.ts'
import type { Server } from '../../model/server.ts'
import { type IndexField, indexedFields } from './indexed-fields.ts'
import { createInvertedIndex } from './inverted-index.ts'
import { firstRowsByKey, isAfterCursor, type SortedRow, sortOrderOf } from './pagination.ts'
import { type Posting, sizeOf, withoutSlot, withSlot } from './postings.ts'
import { planQuery } from './query-plan.ts'
import {
  replaceSlots,
  countSlots,
  type SlotSet,
  evaluatePlan,
  membershipOf,
  filterSlots,
  toBitsIfLarge,
} from './slot-set.ts'
import { createSortedSlots } from './sorted-slots.ts'
import { relevanceOfSlots } from './text-search.ts'

/** What a query found: how many there are in all, and one page of them. */
export type SelectedServers = {
  readonly total: number
  readonly page: readonly RegisteredServer[]
  /** Continues after this page; missing on the last one. */
  readonly next?: string
}

export type ServerIndex = ReturnType<typeof createServerIndex<RegisteredServer>>

/** So many slots are indexed anew within a query; more are left to the background, and looked at one by one meanwhile. */
const maxInlineUpdates = 256
const noFilter = canonicalFilter(unfilteredQuery)

/**
 * Holds the servers, and finds them by what they are, at a cost that grows with what is found.
 *
 * `put` only notes what changed, so that a commit of thousands does not stall anybody; the indexes catch up at the next
 * query or in slices in the background, and know newcomers ahead that they were told to `expect`. However far they lag
 * behind or are ahead, every answer is of what was put.
 */
export function createServerIndex<Row extends RegisteredServer>() {
  const slots = new Map<ServerId, number>()
  const free: number[] = []
  /** By slot: the id for as long as anything remembers it, and the server as it is, where there is one. */
  const ids: ServerId[] = []
  const current: (Row | undefined)[] = []
  const order = createSortedSlots({ idOf: (slot) => ids[slot] ?? '' })
  const catalogue = createInvertedIndex()
  const slotOf = (namespace: string, name: string) => slots.get(serverId(namespace, name))
  /** Slots that the catalogue may not know as they are. */
  const pending = new Set<number>()
  let isCatchingUp = false
  /** Every slot that has a server now. */
  let everyone: Posting | undefined
  /** By slot: how well it answers to the words that were looked for last. */
  let scores = new Uint8Array()
  let listed: readonly Row[] | undefined

  function get(id: ServerId): Row | undefined {
    const slot = slots.get(id)
    return slot === undefined ? undefined : current[slot]
  }

  /** Puts a server in the place of the one before; undefined takes it out. */
  function put(slot: number, now: Row | undefined): void {
    listed = undefined
    current[slot] = now
    everyone = now ? withSlot(everyone, slot, ids.length) : withoutSlot(everyone, slot, ids.length)
    if (!now || catalogue.noted(slot) !== now.server) noteLater(slot)
  }

  function noteLater(slot: number): void {
    pending.add(slot)
    if (!isCatchingUp) void catchUpInSlices()
  }

  /** Prepares for newcomers, who are then put, or forgotten; yields wherever it may be interrupted. */
  function* expect(newcomers: Iterable<Row>): Generator<void, void> {
    for (const { server } of newcomers) {
      yield
      const slot = slotFor(server.id)
      if (current[slot] === undefined) catalogue.note(slot, server)
    }
    yield
    order.all()
  }

  /** Lets go of the slots of those who have not come. */
  function forget(all: Iterable<ServerId>): void {
    for (const id of all) {
      const slot = slots.get(id)
      if (slot !== undefined && current[slot] === undefined) noteLater(slot)
    }
  }

  /** The slot of an id, which is the one that it had last for as long as nobody forgets it. */
  function slotFor(id: ServerId, last = -1): number {
    if (ids[last] === id) return last
    const known = slots.get(id)
    if (known !== undefined) return known
    const slot = free.pop() ?? ids.length
    slots.set(id, slot)
    ids[slot] = id
    current[slot] = undefined
    order.add(slot)
    return slot
  }

  function catchUp(): void {
    const dead: number[] = []
    let left = maxInlineUpdates
    for (const slot of pending) {
      const server = current[slot]?.server
      catalogue.note(slot, server)
      if (!server) dead.push(slot)
      pending.delete(slot)
      left -= 1
      if (left === 0) break
    }
    if (dead.length === 0) return
    order.remove(dead)
    for (const slot of dead) {
      slots.delete(ids[slot] ?? '')
      ids[slot] = ''
      free.push(slot)
    }
  }

  async function catchUpInSlices(): Promise<void> {
    isCatchingUp = true
    await runCooperatively(catchingUp())
    isCatchingUp = false
  }

  function* catchingUp(): Generator<void, void> {
    while (pending.size > 0) {
      catchUp()
      yield
    }
  }

  /** The slots a query asks for, whatever its page. */
  function findAll(query: ServerQuery, isNamed: NameTest): SlotSet {
    // Whoever asks helps: the background alone would get a slice of every long look, and never catch up under load.
    catchUp()
    const { verify, ...plan } = planQuery(query, { ...catalogue, slotOf }, isNamed)
    const found = evaluatePlan(plan, everyone, ids.length)
    const certain = verify ? filterSlots(found, (slot) => holdsFor(slot, verify)) : found
    if (pending.size === 0) return certain
    const holds = matching(query, isNamed)
    const fresh = [...pending].filter((slot) => holdsFor(slot, holds))
    return replaceSlots(certain, pending, fresh)
  }

  function holdsFor(slot: number, holds: Predicate): boolean {
    const server = current[slot]?.server
    return server !== undefined && holds(server)
  }

  /** Those of `found` that answer to the words of `q`; `scores` says how well. */
  function search(found: SlotSet, q: string, fuzzy: boolean): SlotSet {
    const indexed = relevanceOfSlots(catalogue, { q, fuzzy, capacity: ids.length })
    const relevance = relevanceTo(wordsOf(q), fuzzy ? nearMatch : undefined)
    if (scores.length < ids.length) scores = new Uint8Array(ids.length * 2)
    return filterSlots(found, (slot) => {
      const fresh = pending.has(slot) ? current[slot]?.server : undefined
      const score = fresh ? relevance(searchTextOf(fresh)) : indexed(slot)
      scores[slot] = score
      return score > 0
    })
  }

  /** Answers a query: how many match, and the page it asks for. `isNamed` stands for what it says of names of capabilities. */
  function select(query: ServerQuery, isNamed?: NameTest): SelectedServers {
    const { limit, sort, q } = query
    const isFiltered = canonicalFilter(query) !== noFilter
    if (!isFiltered && limit === undefined && sort === undefined) return { total: list().length, page: list() }
    const all = isFiltered ? findAll(query, isNamed) : evaluatePlan({ all: [], none: [] }, everyone, ids.length)
    const found = q === undefined ? all : search(all, q, query.fuzzy_match)
    const rows = firstRows(toBitsIfLarge(found, ids.length), query)
    const page = rows.slice(0, limit).flatMap(({ slot }) => current[slot] ?? [])
    const last = limit !== undefined && rows.length > limit ? rows[limit - 1] : undefined
    const next = last && encodeCursor(query, { key: last.key, id: ids[last.slot] ?? '' })
    return { total: countSlots(found), page, ...(next === undefined ? {} : { next }) }
  }

  /** The rows of the page a query asks for, and one more where there is one. */
  function firstRows(found: SlotSet, query: ServerQuery): readonly SortedRow[] {
    const { limit = Infinity } = query
    const position = parseCursor(query)
    const after = position && 'id' in position ? position : undefined
    const sorting = sortOrderOf(query)
    if (!sorting) return rowsById(found, { after, limit, descending: query.sort === '-name' })
    const { by, descending } = sorting
    const keyOf = (slot: number) => {
      if (by === 'relevance') return scores[slot] ?? 0
      return current[slot]?.server[by] ?? ''
    }
    const isAfter = (key: SortedRow['key'], slot: number) =>
      !after || isAfterCursor(key, ids[slot] ?? '', after, descending)
    return firstRowsByKey(inOrder(found), { isIn: membershipOf(found), keyOf, descending, limit }, isAfter)
  }

  function rowsById(
    found: SlotSet,
    { after, limit, descending }: { after: PageCursor | undefined; limit: number; descending: boolean },
  ): readonly SortedRow[] {
    const sorted = inOrder(found)
    const isIn = membershipOf(found)
    const rows: SortedRow[] = []
    const step = descending ? -1 : 1
    for (let index = startOf(sorted, after, descending); index >= 0 && index < sorted.length; index += step) {
      const slot = sorted[index] ?? 0
      if (isIn(slot)) rows.push({ slot, key: '' })
      if (rows.length > limit) break
    }
    return rows
  }

  /** The slots to go through, by id: of a list its own, else all there are. */
  function inOrder(found: SlotSet): readonly number[] {
    return 'slots' in found ? found.slots.toSorted(order.byId) : order.all()
  }

  function startOf(sorted: readonly number[], after: PageCursor | undefined, descending: boolean): number {
    if (!after) return descending ? sorted.length - 1 : 0
    const behind = order.indexAfter(after.id, sorted)
    if (!descending) return behind
    return ids[sorted[behind - 1] ?? -1] === after.id ? behind - 2 : behind - 1
  }

  /** Every server, by id; the same array until something changes. */
  function list(): readonly Row[] {
    listed ??= order.all().flatMap((slot) => current[slot] ?? [])
    return listed
  }

  /** How many servers have each value of a field. */
  function counts(field: IndexField): ReadonlyMap<string, number> {
    catchUp()
    const counted = new Map<string, number>()
    for (const [value, posting] of catalogue.entries(field)) counted.set(value, sizeOf(posting))
    const add = (values: readonly string[], amount: number) => {
      for (const value of new Set(values)) counted.set(value, (counted.get(value) ?? 0) + amount)
    }
    const count = (server: Server | undefined, amount: number) =>
      server && add(indexedFields[field].valuesOf(server), amount)
    for (const slot of pending) count(current[slot]?.server, 1)
    for (let slot = 0; slot < ids.length; slot += 1) {
      if (current[slot] === undefined || pending.has(slot)) count(catalogue.noted(slot), -1)
    }
    for (const [value, count] of counted) if (count === 0) counted.delete(value)
    return counted
  }

  return {
    get,
    at: (slot: number) => current[slot],
    slotFor,
    put,
    expect,
    forget,
    select,
    list,
    counts,
    size: () => (everyone === undefined ? 0 : sizeOf(everyone)),
  }
}
