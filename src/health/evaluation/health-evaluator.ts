import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../flow/clock.ts'
import type { Log } from '../../log.ts'
import type { Health } from '../../model/health.ts'
import type { ServerId } from '../../model/names.ts'
import type { HealthConfig } from '../config.ts'
import type { ProbeTarget } from '../probe-target.ts'
import type { ProbeOutcome } from '../probes/probe.ts'
import type { ObservationBatcher } from './observation-batcher.ts'
import { createProbeSelfPreservation, type Suspicion } from './self-preservation.ts'
import { nextVerdict } from './verdict.ts'

/** Makes verdicts of findings, and tells those that are news, unless the daemon suspects itself. */
export function createHealthEvaluator({
  clock,
  log,
  config,
  outbox,
}: {
  clock: Clock
  log: Log
  config: () => HealthConfig
  outbox: Pick<ObservationBatcher, 'add'>
}) {
  /** Since when it suspects itself, by the wall clock and by the one that only grows. */
  let suspected: { readonly since: number; readonly began: number; cancel: () => void } | undefined
  const longestMs = () => config().self_preservation.max_duration * 1000
  const suspicion = createProbeSelfPreservation({
    rule: () => ({ ...config().self_preservation, enabled: config().enabled && config().self_preservation.enabled }),
    // Jitter and a deadline may put two turns of one outage further apart than the interval itself.
    windowMs: () => (config().interval * 1.1 + config().timeout) * 1000,
    now: clock.now,
  })

  function judge(subject: ProbeTarget, finding: ProbeOutcome, learned: boolean): void {
    const wasWell = subject.verdict.status === 'healthy'
    const wasHeld = suspicion.holds(subject)
    subject.verdict = nextVerdict(subject.verdict, finding.ok, config().thresholds)
    // A failure nobody believed leaves no mark.
    if (wasHeld && finding.ok) subject.verdict = { status: 'healthy', failures: 0, successes: 1, proven: true }
    if (!finding.ok || subject.verdict.status === 'healthy') subject.reason = finding.reason
    if (finding.ok) learn(subject, finding, learned)
    if (suspicion.note(subject, { wasWell, ok: finding.ok })) beginSuspicion()
    if (!suspicion.holds(subject)) showVerdict(subject, finding)
    endIfOver()
  }

  function learn(subject: ProbeTarget, { capabilities, version }: ProbeOutcome, asked: boolean): void {
    subject.unlearned = asked ? 0 : subject.unlearned + 1
    const { learned } = subject
    const isNew = capabilities !== undefined && !isDeepStrictEqual(capabilities, learned.capabilities)
    if (!isNew && (version === undefined || version === learned.version)) return
    subject.learned = { ...learned, ...(capabilities ? { capabilities } : {}), ...(version ? { version } : {}) }
    tell(subject, subject.ids)
  }

  /** What the checks so far say, as far as there were any; nothing can be said while nobody checks. */
  function showVerdict(subject: ProbeTarget, finding?: ProbeOutcome): void {
    if (!config().enabled) return show(subject, { status: 'unknown', reason: 'not_checkable' })
    const { status } = subject.verdict
    const protocol_version = finding?.protocol_version ?? subject.health?.protocol_version
    const { reason } = subject
    show(subject, { status, ...(reason ? { reason } : {}), ...(protocol_version ? { protocol_version } : {}) })
  }

  function show(subject: ProbeTarget, said: Omit<Health, 'since'>): void {
    const before = subject.health
    if (before && isSame(before, said)) return
    const since = before?.status === said.status ? before.since : new Date(clock.wall()).toISOString()
    const health = { ...said, since }
    subject.health = health
    if (health.status === 'healthy') subject.lastWell = health
    tell(subject, subject.ids)
  }

  function tell({ target, health, learned }: ProbeTarget, ids: Iterable<ServerId>): void {
    if (!health) return
    for (const id of ids) outbox.add({ id, target, health, ...learned })
  }

  function beginSuspicion(): void {
    suspected = { since: clock.wall(), began: clock.now(), cancel: clock.after(longestMs(), end) }
    log.warn(
      suspicion.counts(),
      'most healthy targets began to fail at once: suspecting ourselves, keeping their status',
    )
    // Those that turned first were believed; they get back what they had.
    for (const subject of suspicion.failing()) {
      if (subject.health === subject.lastWell || !subject.lastWell) continue
      subject.health = subject.lastWell
      tell(subject, subject.ids)
    }
  }

  function endIfOver(): void {
    if (suspicion.isOver()) end()
  }

  /** Other limits may hold than when it began. */
  function reconsider(): void {
    if (suspected) {
      suspected.cancel()
      suspected.cancel = clock.after(Math.max(0, suspected.began + longestMs() - clock.now()), end)
    }
    endIfOver()
  }

  function end(): void {
    if (!suspected) return
    suspected.cancel()
    suspected = undefined
    const failing = suspicion.end()
    log.warn({ failing: failing.length }, 'no longer suspecting ourselves: what fails now counts')
    for (const subject of failing) showVerdict(subject)
  }

  function forget(subject: ProbeTarget): void {
    suspicion.forget(subject)
    endIfOver()
  }

  function suspects(): Suspicion | undefined {
    if (!suspected) return undefined
    const { since } = suspected
    const iso = (at: number) => new Date(at).toISOString()
    return { since: iso(since), until: iso(since + longestMs()), ...suspicion.counts() }
  }

  return {
    judge,
    forget,
    show: (subject: ProbeTarget) => showVerdict(subject),
    tell,
    suspects,
    holds: suspicion.holds,
    reconsider,
    end,
    close: () => suspected?.cancel(),
  }
}

function isSame(before: Health, said: Omit<Health, 'since'>): boolean {
  const { status, reason, protocol_version } = said
  return before.status === status && before.reason === reason && before.protocol_version === protocol_version
}
