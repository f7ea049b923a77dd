import { isDeepStrictEqual } from 'node:util'
import { type Clock, systemClock } from '../flow/clock.ts'
import type { Log } from '../log.ts'
import type { RegisteredServer } from '../model/change.ts'
import type { Reason, Status } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import type { DiscoveryMethod, Server } from '../model/server.ts'
import type { HttpClient } from '../outbound/http-client.ts'
import type { Registry } from '../registry/registry.ts'
import type { HealthConfig } from './config.ts'
import type { Assessment } from './evaluation/assessment.ts'
import { createDiscoveryCache, type KeptDiscovery } from './evaluation/discovery-cache.ts'
import { createHealthEvaluator } from './evaluation/health-evaluator.ts'
import type { History, PastProbe } from './evaluation/history.ts'
import { createObservationBatcher } from './evaluation/observation-batcher.ts'
import type { ProbeTarget } from './probe-target.ts'
import { createProbe } from './probes/probe-kinds.ts'
import type { Probe } from './probes/probe.ts'
import { createProbeRunner, isInconclusive } from './scheduling/probe-runner.ts'
import { createProbeDuty, type ProberCounts, type VerdictExchange } from './sharing/probe-duty.ts'
import { createVerdictSharing } from './sharing/verdict-sharing.ts'
import { createStatistics } from './statistics/statistics.ts'
import { createTargetTable } from './target-table.ts'

/** Response to a probe that a client requested. */
export type RequestedProbe = {
  readonly ok: boolean
  readonly reason: Reason
  /** The server's status now: a single failure does not make it unhealthy. */
  readonly status: Status
  readonly response_time_ms: number
  readonly protocol_version?: string
  readonly checked_at: string
  /** During self-preservation the status stays as it was. */
  readonly suspected: boolean
}

/** Health figures that change with every probe. */
export type LiveHealth = {
  readonly last_checked?: string
  readonly response_time_ms?: number
  readonly consecutive_failures: number
  /** The last 60 results, newest last. */
  readonly history: readonly PastProbe[]
}

export type MonitorStats = {
  readonly targets: number
  readonly in_flight: number
  /** Due, and waiting for a slot. */
  readonly overdue: number
  readonly probes: Readonly<Record<Reason, number>>
  readonly duration_ms: { readonly sum: number; readonly count: number }
  /** Failures that did not count, because the process stalled. */
  readonly disregarded: number
  readonly selfPreservation: boolean
}

/**
 * Probes every server of the registry that can be probed, and reports its health to the registry.
 *
 * Servers with the same target share its probes. Results of a target that was replaced meanwhile are dropped.
 */
export function createMonitor({
  registry,
  http,
  config: initial,
  log,
  clock = systemClock,
  random = Math.random,
  probe: givenProbe,
  exchange,
}: {
  registry: Pick<Registry, 'list' | 'get' | 'subscribe' | 'observe'>
  http: HttpClient
  config: HealthConfig
  log: Log
  clock?: Clock
  random?: () => number
  probe?: Probe
  /** How the daemons of one store share their probes; absent: this one probes everything. */
  exchange?: VerdictExchange | undefined
}) {
  let current = initial
  const config = () => current
  const mayRun = (server: Server) => mayRunCommand(server, current)
  const commands = { mayRun, limits: () => current.commands }
  const probe = givenProbe ?? createProbe({ http, now: clock.now, commands })
  const { get } = registry
  const batcher = createObservationBatcher({ clock, send: registry.observe })
  const probeSoon = (targets: readonly ProbeTarget[]) => {
    for (const target of targets) runner.begin(target)
  }
  const discoveries = createDiscoveryCache({ clock })
  const statistics = createStatistics({ registry, clock, historyOf })
  const evaluator = createHealthEvaluator({
    clock,
    log,
    config,
    batcher,
    discoveries,
    probeSoon,
    onCounted: statistics.probed,
    onVerdict: (target, isNews) => sharing?.evaluated(target, isNews),
  })
  const duty = exchange && createProbeDuty(exchange)
  const runner = createProbeRunner({ clock, random, log, probe, config, get, evaluator, rankOf: duty?.rankOf })
  const sharing = exchange && duty && createVerdictSharing({ exchange, duty, clock, evaluator, runner })
  const targets = createTargetTable({
    get,
    runner: { ...runner, begin: beginShared, end: endShared },
    evaluator,
    mayRun,
  })

  const unsubscribe = registry.subscribe(targets.follow)
  for (const registered of registry.list()) targets.add(registered)

  function beginShared(target: ProbeTarget): void {
    sharing?.join(target)
    runner.begin(target)
  }

  function endShared(target: ProbeTarget): void {
    sharing?.forget(target)
    runner.end(target)
  }

  async function probeNow(id: ServerId): Promise<RequestedProbe | undefined> {
    const registered = get(id)
    if (!registered) return undefined
    const target = targets.of(id)
    if (!target) return unprobed(registered)
    const run = runner.probeNow(target)
    const outcome = await run.done
    // The server has another target now, or the probe that was joined had a short deadline: probe again.
    if (outcome ? isInconclusive(run, outcome) : target.ids.size === 0) return probeNow(id)
    batcher.flush()
    const server = get(id)?.server
    if (!outcome || !server) return undefined
    const { ok, reason, response_time_ms, protocol_version } = outcome
    return {
      ok,
      reason,
      status: server.status,
      response_time_ms,
      ...(protocol_version ? { protocol_version } : {}),
      checked_at: new Date(clock.wall()).toISOString(),
      suspected: evaluator.isPreserved(target),
    }
  }

  function unprobed({ server }: RegisteredServer): RequestedProbe {
    const reason = server.enabled ? 'not_checkable' : 'disabled'
    const checked_at = new Date(clock.wall()).toISOString()
    return { ok: false, reason, status: server.status, response_time_ms: 0, checked_at, suspected: false }
  }

  function liveHealth(id: ServerId): LiveHealth | undefined {
    const target = targets.of(id)
    if (!target) return undefined
    const { lastProbed, responseMs, verdict, history } = evaluator.assessmentOf(target)
    return {
      ...(lastProbed === undefined ? {} : { last_checked: new Date(lastProbed).toISOString() }),
      ...(responseMs === undefined ? {} : { response_time_ms: responseMs }),
      consecutive_failures: verdict.failures,
      history: history.list(),
    }
  }

  function historyOf(id: ServerId): History | undefined {
    const target = targets.of(id)
    return target && evaluator.assessmentOf(target).history
  }

  function figuresOf(id: ServerId): Pick<Assessment, 'responseMs' | 'latencyMs' | 'failures'> | undefined {
    const target = targets.of(id)
    return target && evaluator.assessmentOf(target)
  }

  function discovery(id: ServerId): KeptDiscovery | undefined {
    const target = targets.of(id)
    return target && discoveries.get(target)
  }

  function version(id: ServerId): number {
    const target = targets.of(id)
    return target ? evaluator.assessmentOf(target).version : 0
  }

  /** Begins or ends the probes of a command; without them, nothing is known of its health. */
  function reconsiderCommand(registered: RegisteredServer): void {
    const { id } = registered.server
    const before = targets.of(id)
    targets.add(registered)
    if (!before || targets.of(id)) return
    const since = new Date(clock.wall()).toISOString()
    batcher.add({ id, target: before.targetKey, health: { status: 'unknown', reason: 'not_checkable', since } })
  }

  function reconfigure(next: HealthConfig): void {
    const { enabled: wasEnabled, stdio } = current
    current = next
    if (!isDeepStrictEqual(stdio, next.stdio)) for (const registered of registry.list()) reconsiderCommand(registered)
    for (const target of targets.list()) {
      if (next.enabled && wasEnabled) runner.rescheduleEarlier(target)
      else {
        runner.unschedule(target)
        evaluator.publish(target)
        runner.begin(target)
      }
    }
    evaluator.applyRules()
    runner.applyLimits()
  }

  function probers(): ProberCounts {
    const isShared = current.enabled && sharing
    return isShared ? sharing.probers() : { own: current.enabled ? targets.size() : 0, others: new Map(), unknown: 0 }
  }

  async function close(): Promise<void> {
    unsubscribe()
    statistics.close()
    sharing?.close()
    batcher.close()
    evaluator.close()
    await runner.close()
  }

  return {
    /** Probes at once, or joins the probe in flight; undefined for an unknown server. */
    probe: probeNow,
    /** Undefined for a server that is not probed. */
    volatile: liveHealth,
    /** Duration of the last probe and the moving average, and failed probes; undefined for a server that is not probed. */
    figuresOf,
    /** The discover result that any client of the server may use; undefined where there is none. */
    discovery,
    /** Changes with every result of the server's target; 0 for a server that is not probed. */
    version,
    /** What probes showed over the last hour, day and week. */
    statistics,
    selfPreservation: evaluator.selfPreservation,
    endSelfPreservation: evaluator.endSelfPreservation,
    stats: (): MonitorStats => ({
      targets: targets.size(),
      ...runner.stats(),
      selfPreservation: evaluator.selfPreservation() !== undefined,
    }),
    /** Who probes the targets, counted. Walks over all of them. */
    probers,
    reconfigure,
    [Symbol.asyncDispose]: close,
  }
}
/** Discovery methods of sources whose commands can be run. */
const operatedMethods = new Set<DiscoveryMethod>(['config_file', 'environment', 'kubernetes'])

/** Whether the config names the source of a command, and that is one of the operator's own. */
function mayRunCommand({ source, discovery_method, stale }: Server, { enabled, stdio }: HealthConfig): boolean {
  // What was stored of a cluster is not yet what its authors say now.
  const isStored = stale && discovery_method === 'kubernetes'
  return enabled && stdio.includes(source) && operatedMethods.has(discovery_method) && !isStored
}

export type Monitor = ReturnType<typeof createMonitor>
export type MonitorFigures = Monitor['figuresOf']
