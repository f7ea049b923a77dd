import type { Clock } from '../flow/clock.ts'
import { createHeap } from '../flow/heap.ts'
import type { Subject } from './subject.ts'

/** Who is due waits so long for others: to be woken for each of them costs more than the probe. */
const patienceMs = 25

type Appointment = NonNullable<Subject['appointment']>

/** When each target is due. One heap and one timer, however many there are. */
export function createAgenda({ clock, onDue }: { clock: Clock; onDue: (subjects: readonly Subject[]) => void }) {
  const heap = createHeap<Appointment>((one, other) => one.due < other.due)
  let wakesAt = Number.POSITIVE_INFINITY
  let cancel: (() => void) | undefined

  /** Replaces the subject's earlier appointment. */
  function set(subject: Subject, due: number): void {
    subject.appointment = { due, subject }
    heap.push(subject.appointment)
    arm()
  }

  function drop(subject: Subject): void {
    subject.appointment = undefined
  }

  function arm(): void {
    while (heap.size() > 0 && !isValid(heap.peek())) heap.pop()
    const due = heap.peek()?.due
    if (due === undefined || due >= wakesAt) return
    cancel?.()
    wakesAt = due
    cancel = clock.after(Math.max(0, due - clock.now() + patienceMs), wake)
  }

  function wake(): void {
    wakesAt = Number.POSITIVE_INFINITY
    cancel = undefined
    const due: Subject[] = []
    for (let top = heap.peek(); top && (!isValid(top) || top.due <= clock.now()); top = heap.peek()) {
      heap.pop()
      if (!isValid(top)) continue
      top.subject.appointment = undefined
      due.push(top.subject)
    }
    if (due.length > 0) onDue(due)
    arm()
  }

  function isValid(appointment: Appointment | undefined): boolean {
    return appointment !== undefined && appointment.subject.appointment === appointment
  }

  function close(): void {
    cancel?.()
    wakesAt = Number.NEGATIVE_INFINITY
  }

  return { set, drop, close }
}
