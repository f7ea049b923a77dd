import { computed, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { servers } from '../../data/live-servers.ts'
import type { Row } from '../../data/protocol.ts'
import { createSortedView, type SortedView } from '../../data/sorted-view.ts'
import { place } from '../../router.ts'
import { askedIds } from './asked-ids.ts'
import { askedQuery, compareBy, type GroupKey, groupKeys, groupsOf, isOrderAsked, ownMatch, sortOf } from './filters.ts'

/** The rows that the table shows, in order. Held while the pointer or the focus is in the table, or while it is paused. */
const shown = signal<readonly Row[]>([])
export const isPaused = signal(false)
/** The pointer or the focus is in the table: what one is about to click must not move. */
export const isInUse = signal(false)
/** Servers that have changed while the order was held. */
export const heldChanges = signal(0)
/** When rows changed, by id, in ms of `performance.now()`. */
export const changedAt = new Map<string, number>()
export const collapsed = signal<ReadonlySet<string>>(new Set())

const maxMarks = 1000

/** Keeps `shown` current for the filters and the order of the address. */
export function useShownRows(): void {
  const { parameters } = place.value
  const query = askedQuery(parameters)
  const asked = askedIds.value
  const key = parameters.toString()
  useEffect(() => {
    const match = ownMatch(parameters)
    const isAsked = query !== ''
    const order = asked?.query === query ? asked.order : undefined
    const matches = isAsked ? (row: Row) => order?.has(row.id) === true && match(row) : match
    const compare =
      order && isOrderAsked(parameters)
        ? (one: Row, other: Row) => order.get(one.id)! - order.get(other.id)!
        : compareBy(sortOf(parameters))
    return followView(createSortedView(matches, compare))
  }, [key, asked])
}

function followView(view: SortedView): () => void {
  const behind = new Set<string>()

  function catchUp(): void {
    behind.clear()
    heldChanges.value = 0
    shown.value = view.replace(servers.rows.values())
  }

  const isHeld = () => isPaused.peek() || isInUse.peek()
  catchUp()
  const stop = servers.subscribe((change) => {
    if (change.type === 'all') return catchUp()
    // The list that arrives is no change of it.
    if (change.type === 'more') return void (shown.value = view.apply(change.rows, []))
    for (const { id } of change.changed) mark(id)
    if (!isHeld()) return void (shown.value = view.apply(change.changed, change.removed))
    for (const { id } of change.changed) behind.add(id)
    for (const id of change.removed) behind.add(id)
    heldChanges.value = behind.size
  })
  const release = [isPaused, isInUse].map((held) =>
    held.subscribe(() => void (behind.size > 0 && !isHeld() && catchUp())),
  )
  return () => {
    stop()
    for (const one of release) one()
  }
}

function mark(id: string): void {
  changedAt.delete(id)
  changedAt.set(id, performance.now())
  if (changedAt.size > maxMarks) changedAt.delete(changedAt.keys().next().value!)
}

/** One line of the table: a server, or the head of a group. */
export type Line =
  | { readonly type: 'row'; readonly row: Row }
  | { readonly type: 'group'; readonly group: string; readonly count: number; readonly isOpen: boolean }

export const groupKey = computed(() => groupKeys.find((one) => one === place.value.parameters.get('group')))

/** The lines of the table: rows alone, or in their groups. */
export const lines = computed<{ readonly count: number; readonly at: (index: number) => Line | undefined }>(() => {
  const rows = shown.value
  const by = groupKey.value
  if (!by)
    return {
      count: rows.length,
      at: (index) => {
        const row = rows[index]
        return row && { type: 'row', row }
      },
    }
  const grouped = grouping(rows, by, collapsed.value)
  return { count: grouped.length, at: (index) => grouped[index] }
})

export const shownCount = computed(() => shown.value.length)

function grouping(rows: readonly Row[], by: GroupKey, closed: ReadonlySet<string>): readonly Line[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows)
    for (const group of groupsOf(row, by)) {
      const members = groups.get(group)
      if (members) members.push(row)
      else groups.set(group, [row])
    }
  return [...groups]
    .toSorted(([one], [other]) => one.localeCompare(other, 'en'))
    .flatMap(([group, members]): Line[] => {
      const isOpen = !closed.has(group)
      const head: Line = { type: 'group', group, count: members.length, isOpen }
      return isOpen ? [head, ...members.map((row): Line => ({ type: 'row', row }))] : [head]
    })
}
