import { createHeap } from './heap.ts'

type Due<Owner> = { readonly owner: Owner; deadline: number; armed: number }

/**
 * Who is due when: a heap of deadlines in which a deadline that moves later costs one comparison.
 *
 * A node stays where it was armed until it comes up; only then is it seen whether its owner was put off meanwhile. One
 * that moves earlier is armed again, and what it left behind is recognised as outdated. (Without that a lease that gets
 * shorter would lapse late.) What those leave behind who are taken out is cleared away when it is half of all, for it may
 * be due in days.
 */
export function createDeadlineQueue<Owner extends object>() {
  const heap = createHeap<{ at: number; due: Due<Owner> }>((one, other) => one.at < other.at)
  const all = new Map<Owner, Due<Owner>>()

  function arm(due: Due<Owner>): void {
    due.armed = due.deadline
    heap.push({ at: due.deadline, due })
  }

  /** Sets when `owner` is due, in place of what was set before. */
  function set(owner: Owner, deadline: number): void {
    const known = all.get(owner)
    const due = known ?? { owner, deadline, armed: Infinity }
    due.deadline = deadline
    if (!known) all.set(owner, due)
    if (deadline < due.armed) arm(due)
  }

  /** Whether what was armed is still what counts for its owner. */
  function holds({ at, due }: { at: number; due: Due<Owner> }): boolean {
    return all.get(due.owner) === due && due.armed === at
  }

  function remove(owner: Owner): void {
    all.delete(owner)
    if (heap.size() >= 2 * all.size) heap.retain(holds)
  }

  /** Takes out those who are due at `now`, earliest first. */
  function takeDue(now: number): Owner[] {
    const taken: Owner[] = []
    for (let top = heap.peek(); top !== undefined && top.at <= now; top = heap.peek()) {
      heap.pop()
      if (!holds(top)) continue
      const { due } = top
      if (due.deadline > now) {
        arm(due)
        continue
      }
      all.delete(due.owner)
      taken.push(due.owner)
    }
    return taken
  }

  return {
    set,
    takeDue,
    delete: remove,
    /** When the earliest might be due: never later than it is, perhaps earlier. */
    next: () => heap.peek()?.at,
    size: () => all.size,
  }
}
