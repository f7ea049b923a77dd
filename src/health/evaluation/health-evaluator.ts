import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../flow/clock.ts'
import { createSelfPreservation } from '../../flow/self-preservation.ts'
import type { Log } from '../../log.ts'
import type { Health, ProbeResult } from '../../model/health.ts'
import type { ServerId } from '../../model/names.ts'
import type { HealthConfig } from '../config.ts'
import type { ProbeTarget } from '../probe-target.ts'
import type { ProbeOutcome } from '../probes/probe.ts'
import type { SharedVerdict } from '../sharing/shared-verdict.ts'
import { adoptResult, type Assessment, createAssessment, learnedFrom, recordOutcome } from './assessment.ts'
import type { DiscoveryCache } from './discovery-cache.ts'
import type { PastProbe } from './history.ts'
import type { ObservationBatcher } from './observation-batcher.ts'
import { nextVerdict } from './verdict.ts'

/** Every tenth probe of a healthy server also lists its tools; every probe of any other server does. */
const learnEvery = 10

/** A self-preservation of probes, as the API shows it. */
export type ProbeSelfPreservation = {
  /** RFC 3339. */
  readonly since: string
  readonly until: string
  /** Targets that began to fail, of all that were healthy. */
  readonly failing: number
  readonly of: number
}

/** Turns probe outcomes into verdicts, and sends what changed to the registry, except during self-preservation. */
export function createHealthEvaluator({
  clock,
  log,
  config,
  batcher,
  discoveries,
  probeSoon,
  onCounted,
  onVerdict,
}: {
  clock: Clock
  log: Log
  config: () => HealthConfig
  batcher: Pick<ObservationBatcher, 'add'>
  discoveries: Pick<DiscoveryCache, 'record' | 'forget'>
  /** Probes targets again, spread over a few seconds. */
  probeSoon: (targets: readonly ProbeTarget[]) => void
  /** Called with every outcome that counts, and the servers that it is about. */
  onCounted?: (ids: ReadonlySet<ServerId>, outcome: ProbeResult) => void
  /** Called after every outcome; `isNews`: something was published, not only the times moved. */
  onVerdict?: (target: ProbeTarget, isNews: boolean) => void
}) {
  const assessments = new Map<ProbeTarget, Assessment>()
  const preservation = createSelfPreservation<ProbeTarget>({ rules, now: clock.now, wall: clock.wall })
  /** Targets that failed in a self-preservation which ended since others recovered: their next probe counts, not the last. */
  const awaited = new Set<ProbeTarget>()
  let cancelTimer: (() => void) | undefined
  /** Targets whose verdict is healthy by the probes of this daemon. */
  let healthy = 0
  let versions = 0

  function rules() {
    const { enabled, self_preservation } = config()
    const { ratio, min_targets, max_duration } = self_preservation
    return {
      enabled: enabled && self_preservation.enabled,
      ratio,
      minSubjects: min_targets,
      maxMs: max_duration * 1000,
    }
  }

  function assess(target: ProbeTarget): Assessment {
    const existing = assessments.get(target)
    if (existing) return existing
    const assessment = createAssessment(++versions)
    assessments.set(target, assessment)
    return assessment
  }

  /** Records an outcome; `listedTools`: the probe also requested the server's tools. */
  function evaluate(target: ProbeTarget, outcome: ProbeOutcome, listedTools: boolean): void {
    const assessment = assess(target)
    const wasHealthy = assessment.verdict.status === 'healthy'
    const wasCounted = isCounted(assessment)
    const before = { health: assessment.health, learned: assessment.learned }
    assessment.isAdopted = false
    discoveries.record(target, outcome)
    recordOutcome(assessment, outcome, { at: clock.wall(), version: ++versions })
    assessment.verdict = nextVerdict(assessment.verdict, outcome.ok, config().thresholds)
    // Failures that self-preservation kept from counting leave no trace.
    if (isPreserved(target) && outcome.ok)
      assessment.verdict = { status: 'healthy', failures: 0, successes: 1, proven: true }
    const isHealthy = assessment.verdict.status === 'healthy'
    healthy += Number(isHealthy) - Number(wasCounted)
    if (!outcome.ok || isHealthy) assessment.reason = outcome.reason
    if (outcome.ok) learn(target, assessment, outcome, listedTools)
    awaited.delete(target)
    if (outcome.ok) preservation.recover(target)
    else if (wasHealthy) fail(target)
    if (!preservation.covers(target)) publish(target, outcome)
    if (outcome.ok || !isPreserved(target)) onCounted?.(target.ids, outcome)
    endIfOver()
    onVerdict?.(target, assessment.health !== before.health || assessment.learned !== before.learned)
  }

  /** Takes over what another member found out, without a part in it: its failures say nothing about the network of this one. */
  function adopt(
    target: ProbeTarget,
    { verdict, health, learned = {} }: SharedVerdict,
    results: readonly PastProbe[],
  ): void {
    const assessment = assess(target)
    healthy -= Number(isCounted(assessment))
    for (const result of results) adoptResult(assessment, result)
    if (results.length > 0) assessment.version = ++versions
    for (const result of results) onCounted?.(target.ids, result)
    const isNews = !isDeepStrictEqual([assessment.health, assessment.learned], [health, learned])
    Object.assign(assessment, { verdict, health, learned, isAdopted: true, reason: health.reason })
    if (health.status === 'healthy') assessment.lastHealthy = assessment.health
    preservation.recover(target)
    awaited.delete(target)
    if (isNews) send(target, target.ids)
    endIfOver()
  }

  function learn(target: ProbeTarget, assessment: Assessment, outcome: ProbeOutcome, listedTools: boolean): void {
    assessment.probesSinceLearning = listedTools ? 0 : assessment.probesSinceLearning + 1
    const learned = learnedFrom(assessment.learned, outcome)
    if (learned === assessment.learned) return
    assessment.learned = learned
    send(target, target.ids)
  }

  function isLearningDue(target: ProbeTarget): boolean {
    const { verdict, probesSinceLearning } = assess(target)
    return verdict.status !== 'healthy' || probesSinceLearning >= learnEvery - 1
  }

  /** Publishes the verdict; `unknown` while probes are switched off. */
  function publish(target: ProbeTarget, outcome?: ProbeOutcome): void {
    if (!config().enabled) return publishHealth(target, { status: 'unknown', reason: 'not_checkable' })
    const { verdict, reason, health } = assess(target)
    const protocol_version = outcome?.protocol_version ?? health?.protocol_version
    publishHealth(target, {
      status: verdict.status,
      ...(reason ? { reason } : {}),
      ...(protocol_version ? { protocol_version } : {}),
    })
  }

  function publishHealth(target: ProbeTarget, next: Omit<Health, 'since'>): void {
    const assessment = assess(target)
    const before = assessment.health
    if (before && isSame(before, next)) return
    const since = before?.status === next.status ? before.since : new Date(clock.wall()).toISOString()
    const health = { ...next, since }
    assessment.health = health
    if (health.status === 'healthy') assessment.lastHealthy = health
    send(target, target.ids)
  }

  function send(target: ProbeTarget, ids: Iterable<ServerId>): void {
    const { health, learned } = assess(target)
    if (!health) return
    for (const id of ids) batcher.add({ id, target: target.targetKey, health, ...learned })
  }

  function fail(target: ProbeTarget): void {
    // Jitter and a deadline can put two probes during one outage further apart than the interval.
    const windowMs = (config().interval * 1.1 + config().timeout) * 1000
    const wasActive = preservation.isActive()
    if (preservation.fail([target], { healthy, windowMs }) && !wasActive) startSelfPreservation()
  }

  function startSelfPreservation(): void {
    startTimer()
    log.warn(counts(), 'self-preservation of probes started: most healthy targets began to fail at once')
    // The first targets to fail were already published as failing: they get their last healthy status back.
    for (const target of preservation.failing()) {
      const assessment = assess(target)
      if (assessment.health === assessment.lastHealthy || !assessment.lastHealthy) continue
      assessment.health = assessment.lastHealthy
      send(target, target.ids)
    }
  }

  function startTimer(): void {
    cancelTimer?.()
    cancelTimer = clock.after(Math.max(0, preservation.remainingMs() ?? 0), endSelfPreservation)
  }

  function endIfOver(): void {
    if (!preservation.isOver(healthy)) return
    const isRecovered = config().enabled && rules().enabled && (preservation.remainingMs() ?? 0) > 0
    const failing = endPreservation()
    for (const target of failing) {
      if (isRecovered) awaited.add(target)
      else publish(target)
    }
    if (isRecovered) probeSoon(failing)
  }

  /** Applies changed limits to an active self-preservation. */
  function applyRules(): void {
    if (preservation.isActive()) startTimer()
    endIfOver()
  }

  /** Ends self-preservation: from now on failures count, those of the last probes too. */
  function endSelfPreservation(): void {
    for (const target of endPreservation()) publish(target)
  }

  function endPreservation(): readonly ProbeTarget[] {
    if (!preservation.isActive()) return []
    cancelTimer?.()
    const failing = preservation.end()
    log.warn({ failing: failing.length }, 'self-preservation of probes ended')
    return failing
  }

  const isPreserved = (target: ProbeTarget) => preservation.covers(target) || awaited.has(target)

  const counts = () => {
    const failing = preservation.failing().length
    return { failing, of: healthy + failing }
  }

  function selfPreservation(): ProbeSelfPreservation | undefined {
    const active = preservation.status()
    if (!active) return undefined
    const [since, until] = [active.since, active.until].map((time) => new Date(time).toISOString())
    return { since: since ?? '', until: until ?? '', ...counts() }
  }

  /** Sends the current observations of the target for one more server. */
  function join(target: ProbeTarget, id: ServerId): void {
    if (!config().enabled) publish(target)
    send(target, [id])
  }

  function forget(target: ProbeTarget): void {
    healthy -= Number(isCounted(assess(target)))
    preservation.recover(target)
    awaited.delete(target)
    discoveries.forget(target)
    assessments.delete(target)
    endIfOver()
  }

  return {
    evaluate,
    adopt,
    isLearningDue,
    join,
    forget,
    publish: (target: ProbeTarget) => publish(target),
    assessmentOf: (target: ProbeTarget): Readonly<Assessment> => assess(target),
    selfPreservation,
    endSelfPreservation,
    /** Whether failures of the target do not count now. */
    isPreserved,
    applyRules,
    close: () => cancelTimer?.(),
  }
}
export type HealthEvaluator = ReturnType<typeof createHealthEvaluator>

/** Whether the target counts among the healthy ones. */
function isCounted({ verdict, isAdopted }: Readonly<Assessment>): boolean {
  return verdict.status === 'healthy' && !isAdopted
}

function isSame(before: Health, next: Omit<Health, 'since'>): boolean {
  const { status, reason, protocol_version } = next
  return before.status === status && before.reason === reason && before.protocol_version === protocol_version
}
