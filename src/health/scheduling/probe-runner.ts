import type { Clock } from '../../flow/clock.ts'
import { createStallWatch } from '../../flow/stall-detector.ts'
import type { Log } from '../../log.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { Reason } from '../../model/health.ts'
import type { ServerId } from '../../model/names.ts'
import type { HealthConfig } from '../config.ts'
import type { HealthEvaluator } from '../evaluation/health-evaluator.ts'
import type { ProbeTarget } from '../probe-target.ts'
import type { Probe, ProbeOutcome } from '../probes/probe.ts'
import { createConcurrencyLimiter } from './concurrency-limiter.ts'
import { createProbeSchedule } from './probe-schedule.ts'
import { createProbeTiming } from './probe-timing.ts'

/** Deadline of the first probe of a new target while many are waiting. */
const shortDeadlineMs = 1000

export type RunningProbe = {
  readonly startedAt: number
  readonly slow: boolean
  /** Whether it also requests the server's tools. */
  readonly learn: boolean
  /** It has less than the configured deadline, so a timeout does not count. */
  readonly shortDeadline: boolean
  readonly abort: AbortController
  /** The event loop or the machine stalled meanwhile, so a failure says nothing about the target. */
  stalled: boolean
  /** Resolves with the outcome; with undefined when cancelled. */
  readonly done: Promise<ProbeOutcome | undefined>
}

/** Runs probes when they are due, within the concurrency limits, and passes their outcomes to the evaluator. */
export function createProbeRunner({
  clock,
  random,
  log,
  probe,
  config,
  get,
  evaluator,
  rankOf = () => 0,
}: {
  clock: Clock
  random: () => number
  log: Log
  probe: Probe
  config: () => HealthConfig
  get: (id: ServerId) => RegisteredServer | undefined
  evaluator: Pick<HealthEvaluator, 'evaluate' | 'assessmentOf' | 'isLearningDue'>
  /** How many members of the cluster should probe a target before this daemon; undefined where another one does. */
  rankOf?: ((target: ProbeTarget) => number | undefined) | undefined
}) {
  const running = new Map<ProbeTarget, RunningProbe>()
  /** New targets that exceeded the short deadline: they get the whole one, among the slow targets. */
  const deferred = new Set<ProbeTarget>()
  const timing = createProbeTiming({ now: clock.now, random, config, get })
  const limiter = createConcurrencyLimiter({ limits: config, isSlow })
  const schedule = createProbeSchedule({ clock, onDue: enqueue })
  const stalls = createStallWatch({ clock, onStall: markStalled })
  const probes = Object.fromEntries(Reason.options.map((reason) => [reason, 0])) as Record<Reason, number>
  const duration_ms = { sum: 0, count: 0 }
  let disregarded = 0
  let closed = false

  const verdictOf = (target: ProbeTarget) => evaluator.assessmentOf(target).verdict
  const isWanted = (target: ProbeTarget) => config().enabled && target.ids.size > 0 && rankOf(target) !== undefined

  function isSlow(target: ProbeTarget): boolean {
    return deferred.has(target) || verdictOf(target).failures > 0
  }

  function enqueue(due: readonly ProbeTarget[]): void {
    for (const target of due) if (!running.has(target) && isWanted(target)) limiter.offer(target)
    pump()
  }

  function pump(): void {
    for (let target = limiter.take(); target; target = limiter.take())
      start(target, { learn: evaluator.isLearningDue(target), shortDeadline: hasShortDeadline(target) })
  }

  /** Many new targets that never answer would otherwise delay the living among them by a deadline each. */
  function hasShortDeadline(target: ProbeTarget): boolean {
    return (
      verdictOf(target).status === 'pending' && !deferred.has(target) && limiter.waiting() > config().max_concurrency
    )
  }

  /** Starts a probe whose slot is already taken. */
  function start(
    target: ProbeTarget,
    { learn, shortDeadline }: { learn: boolean; shortDeadline: boolean },
  ): RunningProbe {
    stalls.start()
    const abort = new AbortController()
    const { promise: done, resolve } = Promise.withResolvers<ProbeOutcome | undefined>()
    const slow = isSlow(target)
    const run: RunningProbe = { startedAt: clock.now(), slow, learn, shortDeadline, abort, stalled: false, done }
    running.set(target, run)
    void execute(target, run).then((result) => {
      const outcome = abort.signal.aborted ? undefined : result
      finish(target, run, outcome)
      return resolve(outcome)
    })
    return run
  }

  async function execute({ ids }: ProbeTarget, run: RunningProbe): Promise<ProbeOutcome | undefined> {
    const [id] = ids
    const registered = id === undefined ? undefined : get(id)
    if (!registered) return undefined
    const { timeout, allow, deny } = config()
    const timeoutMs = run.shortDeadline ? Math.min(shortDeadlineMs, timeout * 1000) : timeout * 1000
    const { learn, abort } = run
    try {
      return await probe(registered, { timeoutMs, deny, ...(allow ? { allow } : {}), learn, signal: abort.signal })
    } catch (error) {
      log.error({ err: error, server: registered.server.id }, 'probe threw unexpectedly')
      return undefined
    }
  }

  function finish(target: ProbeTarget, run: RunningProbe, outcome: ProbeOutcome | undefined): void {
    stalls.check()
    running.delete(target)
    if (running.size === 0) stalls.stop()
    limiter.release(target, run.slow)
    if (closed) return
    if (outcome && isInconclusive(run, outcome)) {
      if (isWanted(target)) defer(target)
      return pump()
    }
    if (outcome) {
      accept(target, run, outcome)
      deferred.delete(target)
    }
    if (isWanted(target)) schedule.set(target, timing.next(target, verdictOf(target), run))
    return pump()
  }

  function accept(target: ProbeTarget, { stalled, learn }: RunningProbe, outcome: ProbeOutcome): void {
    if (stalled && !outcome.ok) {
      disregarded++
      return
    }
    probes[outcome.reason]++
    duration_ms.sum += outcome.response_time_ms
    duration_ms.count++
    evaluator.evaluate(target, outcome, learn)
  }

  function defer(target: ProbeTarget): void {
    deferred.add(target)
    limiter.offer(target)
  }

  /** A stall invalidates the failures of all probes in flight. */
  function markStalled(): void {
    for (const run of running.values()) run.stalled = true
  }

  /** Probes at once, bypassing the queue; joins a probe in flight. */
  function probeNow(target: ProbeTarget): RunningProbe {
    const inFlight = running.get(target)
    if (inFlight) return inFlight
    unschedule(target)
    limiter.occupy(target)
    return start(target, { learn: true, shortDeadline: false })
  }

  /** Schedules a probe soon: of a new target, of one whose probes were switched on again, or of one that need not wait its turn. */
  function begin(target: ProbeTarget): void {
    const rank = rankOf(target)
    if (config().enabled && rank !== undefined) schedule.set(target, timing.firstAfter(target, rank))
  }

  /** Begins or ends the probes of a target as its ownership is now. */
  function reconsider(target: ProbeTarget): void {
    if (!isWanted(target)) return unschedule(target)
    const isActive = schedule.dueAt(target) !== undefined || running.has(target) || limiter.isWaiting(target)
    if (!isActive) begin(target)
  }

  /** Applies a shorter interval now, not only after the longer one has passed. */
  function rescheduleEarlier(target: ProbeTarget, server?: RegisteredServer): void {
    const due = schedule.dueAt(target)
    const earlier = due === undefined ? undefined : timing.earlier(due, target, server)
    if (earlier !== undefined) schedule.set(target, earlier)
  }

  /** Starts no more probes of the target, until it is scheduled again. */
  function unschedule(target: ProbeTarget): void {
    schedule.delete(target)
    limiter.withdraw(target)
  }

  /** Ends the probes of a target that is gone, including one in flight. */
  function end(target: ProbeTarget): void {
    unschedule(target)
    deferred.delete(target)
    running.get(target)?.abort.abort()
  }

  /** Applies changed limits to the queue. */
  function applyLimits(): void {
    limiter.unparkAll()
    pump()
  }

  async function close(): Promise<void> {
    closed = true
    schedule.close()
    stalls.stop()
    const inFlight = [...running.values()]
    for (const { abort } of inFlight) abort.abort()
    await Promise.all(inFlight.map(async ({ done }) => done))
  }

  return {
    begin,
    reconsider,
    rescheduleEarlier,
    unschedule,
    end,
    probeNow,
    applyLimits,
    close,
    stats: () => ({
      in_flight: limiter.running(),
      overdue: limiter.waiting(),
      probes: { ...probes },
      duration_ms: { ...duration_ms },
      disregarded,
    }),
  }
}
export type ProbeRunner = ReturnType<typeof createProbeRunner>

/** Whether a probe only exceeded its short deadline, which does not count as a result. */
export function isInconclusive({ shortDeadline }: RunningProbe, { reason }: ProbeOutcome): boolean {
  return shortDeadline && reason === 'timeout'
}
