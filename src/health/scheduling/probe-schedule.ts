import type { Clock } from '../../flow/clock.ts'
import { createHeap } from '../../flow/heap.ts'
import type { ProbeTarget } from '../probe-target.ts'

/** Who is due waits so long for others: to be woken for each of them costs more than the probe. */
const patienceMs = 25

/** So many that are not valid any more are not worth clearing away. */
const fewLeft = 64

type Appointment = NonNullable<ProbeTarget['appointment']>

/** When each target is due. One heap and one timer, however many there are. */
export function createProbeSchedule({
  clock,
  onDue,
}: {
  clock: Clock
  onDue: (subjects: readonly ProbeTarget[]) => void
}) {
  const heap = createHeap<Appointment>((one, other) => one.due < other.due)
  /** So many of them are valid. */
  let valid = 0
  let wakesAt = Number.POSITIVE_INFINITY
  let cancel: (() => void) | undefined

  /** Replaces the subject's earlier appointment. */
  function set(subject: ProbeTarget, due: number): void {
    if (!subject.appointment) valid++
    subject.appointment = { due, subject }
    heap.push(subject.appointment)
    tidy()
    arm()
  }

  function drop(subject: ProbeTarget): void {
    if (!subject.appointment) return
    subject.appointment = undefined
    valid--
    tidy()
  }

  /** What is not valid any more may be due in a day, and holds on to all that is known of its subject. */
  function tidy(): void {
    if (heap.size() > 2 * valid + fewLeft) heap.retain(isValid)
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
    const due: ProbeTarget[] = []
    for (let top = heap.peek(); top && (!isValid(top) || top.due <= clock.now()); top = heap.peek()) {
      heap.pop()
      if (!isValid(top)) continue
      top.subject.appointment = undefined
      valid--
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

  return {
    set,
    drop,
    close,
    /** Appointments that it holds, of which some may be of those who have left. */
    size: heap.size,
  }
}
