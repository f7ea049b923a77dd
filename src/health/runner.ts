import type { Clock } from '../flow/clock.ts'
import type { Log } from '../log.ts'
import type { Registered } from '../model/change.ts'
import { createAgenda } from './agenda.ts'
import type { HealthConfig } from './config.ts'
import type { Finding, Probe } from './probe/probe.ts'
import { createPulse } from './pulse.ts'
import { createSlots, isSlow } from './slots.ts'
import type { Running, Subject } from './subject.ts'

/** A server's tools are asked for at its first success, when it comes back, and then every so many probes. */
const learnEvery = 10
/** What a newcomer has to answer in while a crowd of them waits. */
const hurryMs = 1000

/** Runs the probes: when they are due, as many at once as may be. What they find goes to `onFound`. */
export function createRunner({
  clock,
  log,
  probe,
  config,
  serverOf,
  onFound,
  nextDue,
}: {
  clock: Clock
  log: Log
  probe: Probe
  config: () => HealthConfig
  /** One of the servers that have the target; undefined when the last is gone. */
  serverOf: (subject: Subject) => Registered | undefined
  onFound: (subject: Subject, finding: Finding, learned: boolean) => void
  /** When a subject is due again; undefined for never. */
  nextDue: (subject: Subject, running: Running) => number | undefined
}) {
  const underway = new Set<Running>()
  const slots = createSlots({ width: config })
  const agenda = createAgenda({ clock, onDue: enqueue })
  const pulse = createPulse({ clock, onStall: noteStall })
  let closed = false
  let disregarded = 0

  function enqueue(due: readonly Subject[]): void {
    for (const subject of due) if (!subject.running) slots.offer(subject)
    pump()
  }

  function pump(): void {
    for (let subject = slots.take(); subject; subject = slots.take())
      run(subject, isToLearn(subject), isHurried(subject))
  }

  function isToLearn({ verdict, unlearned }: Subject): boolean {
    return verdict.status !== 'healthy' || unlearned >= learnEvery - 1
  }

  /** Probes; the slot is taken already. */
  function run(subject: Subject, learn: boolean, hurried: boolean): Running {
    pulse.start()
    const abort = new AbortController()
    const { promise: done, resolve } = Promise.withResolvers<Finding | undefined>()
    const running: Running = { started: clock.now(), slow: isSlow(subject), hurried, abort, stalled: false, done }
    subject.running = running
    underway.add(running)
    void look(subject, learn, running).then((found) => {
      const finding = abort.signal.aborted ? undefined : found
      finish(subject, running, finding, learn)
      return resolve(finding)
    })
    return running
  }

  /** A crowd of newcomers that never answer would hold up the living among them, deadline by deadline. */
  function isHurried({ verdict, deferred }: Subject): boolean {
    return verdict.status === 'pending' && !deferred && slots.waiting() > config().concurrency
  }

  async function look(subject: Subject, learn: boolean, running: Running): Promise<Finding | undefined> {
    const registered = serverOf(subject)
    if (!registered) return undefined
    const { timeout, allow, deny } = config()
    const timeoutMs = running.hurried ? Math.min(hurryMs, timeout * 1000) : timeout * 1000
    const { signal } = running.abort
    try {
      return await probe(registered, { timeoutMs, deny, ...(allow ? { allow } : {}), learn, signal })
    } catch (error) {
      log.error({ err: error, server: registered.server.id }, 'a probe broke, which is a defect of ours')
      return undefined
    }
  }

  function finish(subject: Subject, running: Running, finding: Finding | undefined, learned: boolean): void {
    pulse.feel()
    underway.delete(running)
    if (underway.size === 0) pulse.stop()
    subject.running = undefined
    slots.release(subject, running.slow)
    if (closed) return
    if (finding && isCutShort(running, finding)) {
      if (nextDue(subject, running) !== undefined) defer(subject)
      return pump()
    }
    if (finding && running.stalled && !finding.ok) disregarded++
    else if (finding) onFound(subject, finding, learned)
    if (finding) subject.deferred = false
    const due = nextDue(subject, running)
    if (due !== undefined) agenda.set(subject, due)
    return pump()
  }

  function defer(subject: Subject): void {
    subject.deferred = true
    slots.offer(subject)
  }

  /** Wherever time stood still, what was under way is no witness. */
  function noteStall(): void {
    for (const running of underway) running.stalled = true
  }

  /** Who asks by hand does not queue; a probe under way is joined. */
  function now(subject: Subject): Running {
    if (subject.running) return subject.running
    rest(subject)
    slots.occupy(subject)
    return run(subject, true, false)
  }

  function rest(subject: Subject): void {
    agenda.drop(subject)
    slots.withdraw(subject)
  }

  async function close(): Promise<void> {
    closed = true
    agenda.close()
    pulse.stop()
    const running = [...underway]
    for (const { abort } of running) abort.abort()
    await Promise.all(running.map(async ({ done }) => done))
  }

  return {
    schedule: agenda.set,
    now,
    /** No more probes of it, until scheduled again. */
    rest,
    /** The limits may be others than before. */
    reconsider: () => {
      slots.callAll()
      pump()
    },
    close,
    stats: () => ({ in_flight: slots.running(), overdue: slots.waiting(), disregarded }),
  }
}

/** Whether a probe only ran out of a time that was less than the whole deadline: then it is no result. */
export function isCutShort({ hurried }: Running, { reason }: Finding): boolean {
  return hurried && reason === 'timeout'
}
export type Runner = ReturnType<typeof createRunner>
