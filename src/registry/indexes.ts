import type { Change, Registered } from '../model/change.ts'
import { matching } from '../model/matching.ts'
import { type ServerId, serverId } from '../model/names.ts'
import { continueAfter, type Position, positionOf } from '../model/position.ts'
import { canonicalFilter, everything, type ServerQuery } from '../model/query.ts'
import { relevance, wordsOf } from '../model/search.ts'
import { createCatalogue } from './catalogue.ts'
import { type Field, fields } from './fields.ts'
import { countOf, type Found, find, slotsFound, weighed } from './found.ts'
import { createOrder } from './order.ts'
import { firstOf, type Ranked, sortingOf } from './page.ts'
import { planOf } from './plan.ts'
import { hasBit, sizeOf } from './postings.ts'
import { answering } from './words.ts'

/** What a query found: how many there are in all, and one page of them. */
export type Selection = {
  readonly total: number
  readonly page: readonly Registered[]
  /** Continues after this page; missing on the last one. */
  readonly next?: string
}

export type Indexes = ReturnType<typeof createIndexes>

/** So many slots are indexed anew within a query; more are left to the background, and looked at one by one meanwhile. */
const fewPending = 256
const sliceMs = 4
const noFilter = canonicalFilter(everything)

/**
 * Finds servers by what they are, at a cost that grows with what is found.
 *
 * `apply` only notes what changed, so that a commit of thousands does not stall anybody; the indexes catch up at the next
 * query or in slices in the background. However far they lag behind, every answer is of the last change applied.
 */
export function createIndexes() {
  const slots = new Map<ServerId, number>()
  const free: number[] = []
  /** By slot: the id for as long as anything remembers it, and the server as it is. */
  const ids: ServerId[] = []
  const current: (Registered | undefined)[] = []
  const order = createOrder({ idOf: (slot) => ids[slot] ?? '' })
  const catalogue = createCatalogue()
  const slotOf = (namespace: string, name: string) => slots.get(serverId(namespace, name))
  /** Slots that the catalogue does not know as they are. */
  const pending = new Set<number>()
  let background: NodeJS.Immediate | undefined
  let size = 0
  let listed: readonly Registered[] | undefined

  function apply(changes: readonly Change[]): void {
    for (const { now, before } of changes) {
      const slot = slotFor((now ?? before).server.id)
      if (now !== undefined) size += current[slot] ? 0 : 1
      else if (current[slot]) size -= 1
      current[slot] = now
      pending.add(slot)
    }
    listed = undefined
    if (pending.size > 0) background ??= setImmediate(catchUpALittle).unref()
  }

  function slotFor(id: ServerId): number {
    const known = slots.get(id)
    if (known !== undefined) return known
    const slot = free.pop() ?? ids.length
    slots.set(id, slot)
    ids[slot] = id
    current[slot] = undefined
    order.add(slot)
    return slot
  }

  function catchUp(until: number): void {
    const dead: number[] = []
    for (const slot of pending) {
      const server = current[slot]?.server
      catalogue.note(slot, server)
      if (!server) dead.push(slot)
      pending.delete(slot)
      if (performance.now() > until) break
    }
    if (dead.length === 0) return
    order.remove(dead)
    for (const slot of dead) {
      slots.delete(ids[slot] ?? '')
      free.push(slot)
    }
  }

  function catchUpALittle(): void {
    catchUp(performance.now() + sliceMs)
    background = pending.size > 0 ? setImmediate(catchUpALittle).unref() : undefined
  }

  /** The slots a query asks for, whatever its page. */
  function findAll(query: ServerQuery): Found {
    if (pending.size <= fewPending) catchUp(Infinity)
    const plan = planOf(query, { ...catalogue, slotOf })
    const found = find(plan, catalogue.everything(), ids.length)
    const { q, fuzzy_match: fuzzy } = query
    if (!plan.verify && q === undefined && pending.size === 0) return found
    const answers = q === undefined ? undefined : answering(catalogue, { q, fuzzy, capacity: ids.length })
    const kept = slotsFound(found).filter((slot) => {
      if (pending.has(slot) || (answers && !answers(slot))) return false
      const server = current[slot]?.server
      return server !== undefined && (!plan.verify || plan.verify(server))
    })
    const holds = matching(query)
    for (const slot of pending) {
      const server = current[slot]?.server
      if (server && holds(server)) kept.push(slot)
    }
    return weighed({ slots: kept }, ids.length)
  }

  /** Answers a query: how many match, and the page it asks for. */
  function select(query: ServerQuery): Selection {
    if (query.limit === undefined && query.sort === undefined && canonicalFilter(query) === noFilter) {
      return { total: size, page: list() }
    }
    const found = findAll(query)
    const position = positionOf(query)
    const after = position && 'id' in position ? position : undefined
    const words = wordsOf(query.q ?? '')
    const sorting = sortingOf(query, ({ server }) => relevance(server, words, query.fuzzy_match))
    const { page, last } = sorting
      ? firstOf(serversAt(slotsFound(found), sorting.descending), sorting, { after, limit: query.limit })
      : byId(found, { after, limit: query.limit ?? Infinity, descending: query.sort === '-name' })
    const next = last && continueAfter(query, { key: last.key, id: last.registered.server.id })
    return { total: countOf(found), page, ...(next === undefined ? {} : { next }) }
  }

  /** The newest come first where the greatest are asked for: times rise with the slots, and so most are dropped at a glance. */
  function* serversAt(slots: readonly number[], backwards: boolean): Iterable<Registered> {
    for (let index = 0; index < slots.length; index += 1) {
      const registered = current[slots[backwards ? slots.length - 1 - index : index] ?? 0]
      if (registered) yield registered
    }
  }

  function byId(
    found: Found,
    { after, limit, descending }: { after: Position | undefined; limit: number; descending: boolean },
  ): { readonly page: readonly Registered[]; readonly last?: Ranked } {
    const all = order.all()
    const sorted = 'slots' in found ? found.slots.toSorted(order.byId) : all
    const isIn = 'slots' in found ? () => true : (slot: number) => hasBit(found.words, slot)
    const page: Registered[] = []
    let index = startOf(sorted, after, descending)
    for (; index >= 0 && index < sorted.length; index += descending ? -1 : 1) {
      const slot = sorted[index] ?? 0
      const registered = isIn(slot) ? current[slot] : undefined
      if (!registered) continue
      if (page.length === limit) return { page, last: { registered: page[limit - 1] ?? registered, key: '' } }
      page.push(registered)
    }
    return { page }
  }

  function startOf(sorted: readonly number[], after: Position | undefined, descending: boolean): number {
    if (!after) return descending ? sorted.length - 1 : 0
    const behind = order.indexAfter(after.id, sorted)
    if (!descending) return behind
    return ids[sorted[behind - 1] ?? -1] === after.id ? behind - 2 : behind - 1
  }

  /** Every server, by id; the same array until something changes. */
  function list(): readonly Registered[] {
    listed ??= order.all().flatMap((slot) => current[slot] ?? [])
    return listed
  }

  /** How many servers have each value of a field. */
  function counts(field: Field): ReadonlyMap<string, number> {
    if (pending.size <= fewPending) catchUp(Infinity)
    const counted = new Map<string, number>()
    for (const [value, posting] of catalogue.entries(field)) counted.set(value, sizeOf(posting))
    const add = (values: readonly string[], amount: number) => {
      for (const value of new Set(values)) counted.set(value, (counted.get(value) ?? 0) + amount)
    }
    for (const slot of pending) {
      const [before, now] = [catalogue.noted(slot), current[slot]?.server]
      if (before) add(fields[field].values(before), -1)
      if (now) add(fields[field].values(now), 1)
    }
    for (const [value, count] of counted) if (count === 0) counted.delete(value)
    return counted
  }

  const get = (id: ServerId): Registered | undefined => current[slots.get(id) ?? -1]

  return { apply, select, list, counts, get, size: () => size }
}
