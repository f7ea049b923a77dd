import { type Clock, systemClock } from '../flow/clock.ts'
import type { Log } from '../log.ts'
import type { RegisteredServer } from '../model/change.ts'
import { Reason, type Status } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { Registry } from '../registry/registry.ts'
import type { HealthConfig } from './config.ts'
import { createHealthEvaluator } from './evaluation/health-evaluator.ts'
import type { PastCheck } from './evaluation/history.ts'
import { createObservationBatcher } from './evaluation/observation-batcher.ts'
import type { Running, ProbeTarget } from './probe-target.ts'
import { createProbe, type ProbeOutcome, type Probe } from './probes/probe.ts'
import { createInitialSpread } from './scheduling/initial-spread.ts'
import { createProbeRunner, isInconclusive } from './scheduling/probe-runner.ts'
import { createTargetTable } from './target-table.ts'

/** What the schema of a definition fills in where nobody named an interval. */
const unnamedInterval = 30

/** What one check found, and what followed from it. */
export type CheckResult = {
  readonly ok: boolean
  readonly reason: Reason
  /** The server's status now: one failure alone does not make it unhealthy. */
  readonly status: Status
  readonly response_time_ms: number
  readonly protocol_version?: string
  readonly checked_at: string
  /** The daemon suspects itself: the status stays as it was. */
  readonly suspected: boolean
}

/** What moves with every probe. */
export type LiveHealth = {
  readonly last_checked?: string
  readonly response_time_ms?: number
  readonly consecutive_failures: number
  /** The last 60 results, newest last. */
  readonly history: readonly PastCheck[]
}

export type MonitorStats = {
  readonly targets: number
  readonly in_flight: number
  /** Due, and waiting for a slot. */
  readonly overdue: number
  readonly probes: Readonly<Record<Reason, number>>
  readonly duration_ms: { readonly sum: number; readonly count: number }
  /** Failures that did not count because time stood still. */
  readonly disregarded: number
  readonly suspicion: boolean
}

/**
 * Keeps watch over the health of every server in the registry that can be probed, and tells the registry what it sees.
 *
 * A target is probed once however many servers share it. Results of a target that changed meanwhile are dropped.
 */
export function createMonitor({
  registry,
  door,
  config: initial,
  log,
  clock = systemClock,
  random = Math.random,
  probe = createProbe({ door, now: clock.now }),
}: {
  registry: Pick<Registry, 'list' | 'get' | 'subscribe' | 'observe'>
  door: HttpClient
  config: HealthConfig
  log: Log
  clock?: Clock
  random?: () => number
  probe?: Probe
}) {
  let config = initial
  const probes = Object.fromEntries(Reason.options.map((reason) => [reason, 0])) as Record<Reason, number>
  const duration_ms = { sum: 0, count: 0 }

  const outbox = createObservationBatcher({ clock, send: registry.observe })
  const judge = createHealthEvaluator({ clock, log, config: () => config, outbox })
  const newcomer = createInitialSpread({ now: clock.now, random })
  const runner = createProbeRunner({ clock, log, probe, config: () => config, serverOf, onFound: note, nextDue })
  const roll = createTargetTable({
    get: registry.get,
    onBegin: begin,
    onJoin: (subject, { server }) => {
      judge.tell(subject, [server.id])
      hasten(subject, ownInterval(server) * 1000)
    },
    onPace: hasten,
    onEnd: end,
  })

  const leaveFeed = registry.subscribe(roll.follow)
  for (const registered of registry.list()) roll.adopt(registered)

  function begin(subject: ProbeTarget, first: RegisteredServer): void {
    if (config.enabled) runner.schedule(subject, newcomer(ownInterval(first.server) * 1000))
    else judge.show(subject)
  }

  function end(subject: ProbeTarget): void {
    runner.rest(subject)
    subject.running?.abort.abort()
    judge.forget(subject)
  }

  function serverOf({ ids }: ProbeTarget): RegisteredServer | undefined {
    const [id] = ids
    return id === undefined ? undefined : registry.get(id)
  }

  function note(subject: ProbeTarget, finding: ProbeOutcome, learned: boolean): void {
    probes[finding.reason]++
    duration_ms.sum += finding.response_time_ms
    duration_ms.count++
    subject.lastChecked = clock.wall()
    subject.responseMs = finding.response_time_ms
    subject.version = roll.nextVersion()
    subject.history.add(subject.lastChecked, finding.reason, finding.response_time_ms)
    judge.judge(subject, finding, learned)
  }

  function nextDue(subject: ProbeTarget, { started, stalled }: Running): number | undefined {
    if (!config.enabled || !roll.has(subject)) return undefined
    const interval = intervalMs(subject)
    if (stalled) return clock.now() + (interval * random()) / 10
    const { status, failures } = subject.verdict
    const factor = status === 'unhealthy' && failures > 0 ? 2 : 1
    return Math.max(clock.now(), started + interval * factor * (0.9 + 0.2 * random()))
  }

  /** The shortest that any of its servers asks for. */
  function intervalMs({ ids }: ProbeTarget): number {
    let shortest = Number.POSITIVE_INFINITY
    for (const id of ids) {
      const registered = registry.get(id)
      if (registered) shortest = Math.min(shortest, ownInterval(registered.server))
    }
    return (Number.isFinite(shortest) ? shortest : config.interval) * 1000
  }

  function ownInterval({ health_check_interval: own }: RegisteredServer['server']): number {
    return own === unnamedInterval ? config.interval : own
  }

  async function check(id: ServerId): Promise<CheckResult | undefined> {
    const registered = registry.get(id)
    if (!registered) return undefined
    const subject = roll.of(id)
    if (!subject) return unchecked(registered)
    const running = runner.now(subject)
    const finding = await running.done
    // It has another target by now, and that is what was asked for; or the probe that was joined had less than its time.
    if (finding ? isInconclusive(running, finding) : !roll.has(subject)) return check(id)
    outbox.flush()
    const server = registry.get(id)?.server
    if (!finding || !server) return undefined
    const { ok, reason, response_time_ms, protocol_version } = finding
    return {
      ok,
      reason,
      status: server.status,
      response_time_ms,
      ...(protocol_version ? { protocol_version } : {}),
      checked_at: new Date(clock.wall()).toISOString(),
      suspected: judge.holds(subject),
    }
  }

  function unchecked({ server }: RegisteredServer): CheckResult {
    const reason = server.enabled ? 'not_checkable' : 'disabled'
    const checked_at = new Date(clock.wall()).toISOString()
    return { ok: false, reason, status: server.status, response_time_ms: 0, checked_at, suspected: false }
  }

  function volatile(id: ServerId): LiveHealth | undefined {
    const subject = roll.of(id)
    if (!subject) return undefined
    const { lastChecked, responseMs, verdict, history } = subject
    return {
      ...(lastChecked === undefined ? {} : { last_checked: new Date(lastChecked).toISOString() }),
      ...(responseMs === undefined ? {} : { response_time_ms: responseMs }),
      consecutive_failures: verdict.failures,
      history: history.list(),
    }
  }

  function reconfigure(next: HealthConfig): void {
    const wasEnabled = config.enabled
    config = next
    for (const subject of roll.subjects()) {
      if (!config.enabled) rest(subject)
      else if (!wasEnabled) resume(subject)
      else hasten(subject)
    }
    judge.reconsider()
    runner.reconsider()
  }

  function rest(subject: ProbeTarget): void {
    runner.rest(subject)
    judge.show(subject)
  }

  function resume(subject: ProbeTarget): void {
    judge.show(subject)
    runner.schedule(subject, newcomer(intervalMs(subject)))
  }

  /** A shorter interval counts from now on, not only after the longer one has passed. */
  function hasten(subject: ProbeTarget, interval = intervalMs(subject)): void {
    const due = subject.appointment?.due
    if (due !== undefined && due > clock.now() + 2.2 * interval) {
      runner.schedule(subject, clock.now() + random() * interval)
    }
  }

  async function close(): Promise<void> {
    leaveFeed()
    outbox.close()
    judge.close()
    await runner.close()
  }

  return {
    /** Probes now, or joins the probe under way; undefined for a server that is not, or no longer, there. */
    check,
    /** Undefined for a server that is not probed. */
    volatile,
    /** Changes with every result of the server's target; 0 for one that is not probed. */
    version: (id: ServerId): number => roll.of(id)?.version ?? 0,
    suspicion: judge.suspects,
    clearSuspicion: judge.end,
    stats: (): MonitorStats => ({
      targets: roll.size(),
      ...runner.stats(),
      probes: { ...probes },
      duration_ms: { ...duration_ms },
      suspicion: judge.suspects() !== undefined,
    }),
    reconfigure,
    [Symbol.asyncDispose]: close,
  }
}
export type Monitor = ReturnType<typeof createMonitor>
