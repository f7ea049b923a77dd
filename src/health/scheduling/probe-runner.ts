import type { Clock } from '../../flow/clock.ts'
import { createStallDetector } from '../../flow/stall-detector.ts'
import type { Log } from '../../log.ts'
import type { RegisteredServer } from '../../model/change.ts'
import type { HealthConfig } from '../config.ts'
import type { Running, ProbeTarget } from '../probe-target.ts'
import type { ProbeOutcome, Probe } from '../probes/probe.ts'
import { createConcurrencyLimiter, isSlow } from './concurrency-limiter.ts'
import { createProbeSchedule } from './probe-schedule.ts'

/** A server's tools are asked for at its first success, when it comes back, and then every so many probes. */
const learnEvery = 10
/** What a newcomer has to answer in while a crowd of them waits. */
const hurryMs = 1000

/** Runs the probes: when they are due, as many at once as may be. What they find goes to `onFound`. */
export function createProbeRunner({
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
  serverOf: (subject: ProbeTarget) => RegisteredServer | undefined
  onFound: (subject: ProbeTarget, finding: ProbeOutcome, learned: boolean) => void
  /** When a subject is due again; undefined for never. */
  nextDue: (subject: ProbeTarget, running: Running) => number | undefined
}) {
  const underway = new Set<Running>()
  const slots = createConcurrencyLimiter({ width: config })
  const agenda = createProbeSchedule({ clock, onDue: enqueue })
  const pulse = createStallDetector({ clock, onStall: noteStall })
  let closed = false
  let disregarded = 0

  function enqueue(due: readonly ProbeTarget[]): void {
    for (const subject of due) if (!subject.running) slots.offer(subject)
    pump()
  }

  function pump(): void {
    for (let subject = slots.take(); subject; subject = slots.take())
      run(subject, isToLearn(subject), isHurried(subject))
  }

  function isToLearn({ verdict, unlearned }: ProbeTarget): boolean {
    return verdict.status !== 'healthy' || unlearned >= learnEvery - 1
  }

  /** Probes; the slot is taken already. */
  function run(subject: ProbeTarget, learn: boolean, hurried: boolean): Running {
    pulse.start()
    const abort = new AbortController()
    const { promise: done, resolve } = Promise.withResolvers<ProbeOutcome | undefined>()
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
  function isHurried({ verdict, deferred }: ProbeTarget): boolean {
    return verdict.status === 'pending' && !deferred && slots.waiting() > config().max_concurrency
  }

  async function look(subject: ProbeTarget, learn: boolean, running: Running): Promise<ProbeOutcome | undefined> {
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

  function finish(subject: ProbeTarget, running: Running, finding: ProbeOutcome | undefined, learned: boolean): void {
    pulse.feel()
    underway.delete(running)
    if (underway.size === 0) pulse.stop()
    subject.running = undefined
    slots.release(subject, running.slow)
    if (closed) return
    if (finding && isInconclusive(running, finding)) {
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

  function defer(subject: ProbeTarget): void {
    subject.deferred = true
    slots.offer(subject)
  }

  /** Wherever time stood still, what was under way is no witness. */
  function noteStall(): void {
    for (const running of underway) running.stalled = true
  }

  /** Who asks by hand does not queue; a probe under way is joined. */
  function now(subject: ProbeTarget): Running {
    if (subject.running) return subject.running
    rest(subject)
    slots.occupy(subject)
    return run(subject, true, false)
  }

  function rest(subject: ProbeTarget): void {
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
export function isInconclusive({ hurried }: Running, { reason }: ProbeOutcome): boolean {
  return hurried && reason === 'timeout'
}
export type ProbeRunner = ReturnType<typeof createProbeRunner>
