import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import { type Posting, withoutSlot, withSlot } from './postings.ts'
import { createSortedSlots } from './sorted-slots.ts'

/** Numbers the ids, so that sets of servers are sets of small numbers. A slot is reused once its id was freed. */
export function createSlotTable<Row extends RegisteredServer>() {
  const slots = new Map<ServerId, number>()
  const unused: number[] = []
  /** By slot: the id until the slot is freed, and the current server, if any. */
  const ids: ServerId[] = []
  const rows: (Row | undefined)[] = []
  const sorted = createSortedSlots({ ids })
  /** The slots that have a server now. */
  let occupied: Posting | undefined

  /** The slot of an id, assigned where it has none. `last` is a guess that saves the look-up. */
  function slotFor(id: ServerId, last = -1): number {
    if (ids[last] === id) return last
    const assigned = slots.get(id)
    if (assigned !== undefined) return assigned
    const slot = unused.pop() ?? ids.length
    slots.set(id, slot)
    ids[slot] = id
    rows[slot] = undefined
    sorted.add(slot)
    return slot
  }

  function set(slot: number, row: Row | undefined): void {
    rows[slot] = row
    occupied = row ? withSlot(occupied, slot, ids.length) : withoutSlot(occupied, slot, ids.length)
  }

  function free(dead: readonly number[]): void {
    sorted.remove(dead)
    for (const slot of dead) {
      slots.delete(ids[slot] ?? '')
      ids[slot] = ''
      unused.push(slot)
    }
  }

  return {
    ids: ids as readonly ServerId[],
    rows: rows as readonly (Row | undefined)[],
    sorted,
    slotOf: (id: ServerId) => slots.get(id),
    slotFor,
    set,
    free,
    occupied: () => occupied,
  }
}

export type SlotTable = ReturnType<typeof createSlotTable<RegisteredServer>>
