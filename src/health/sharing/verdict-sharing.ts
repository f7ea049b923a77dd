import type { Clock } from '../../flow/clock.ts'
import type { HealthEvaluator } from '../evaluation/health-evaluator.ts'
import { decodeHistory } from '../evaluation/history.ts'
import type { ProbeTarget } from '../probe-target.ts'
import type { ProbeRunner } from '../scheduling/probe-runner.ts'
import type { ProbeDuty, ProberCounts, VerdictExchange } from './probe-duty.ts'
import { encodeVerdict, parseVerdict } from './shared-verdict.ts'

/** How often the results of probes that changed nothing are told, and of how many targets at most at once. */
const refreshMs = 10_000
const maxRefreshed = 2000

/** Tells the other daemons of a store what the probes of this one show, and takes over what theirs show. */
export function createVerdictSharing({
  exchange,
  duty,
  clock,
  evaluator,
  runner,
}: {
  exchange: VerdictExchange
  duty: ProbeDuty
  clock: Clock
  evaluator: Pick<HealthEvaluator, 'adopt' | 'assessmentOf'>
  runner: Pick<ProbeRunner, 'reconsider'>
}) {
  const targets = new Map<string, ProbeTarget>()
  /** Targets with results that were not told. */
  const untold = new Set<ProbeTarget>()
  let cancel = clock.after(refreshMs, refresh)

  function join(target: ProbeTarget): void {
    targets.set(duty.keyOf(target), target)
    adoptKnown(target)
  }

  function forget(target: ProbeTarget): void {
    targets.delete(duty.keyOf(target))
    untold.delete(target)
  }

  function adoptKnown(target: ProbeTarget): void {
    const known = exchange.read(duty.keyOf(target))
    if (!known || !duty.isShared(target)) return
    const assessment = evaluator.assessmentOf(target)
    const { lastProbed = 0 } = assessment
    if (known.prober === exchange.self() && known.verdict === encodeVerdict(assessment)) return
    const shared = parseVerdict(known.verdict)
    if (!shared) return
    const results = decodeHistory(Buffer.from(known.checks, 'base64'))
    evaluator.adopt(
      target,
      shared,
      results.filter(({ at }) => Date.parse(at) > lastProbed),
    )
  }

  /** Called after every result of this daemon's probes. */
  function evaluated(target: ProbeTarget, isNews: boolean): void {
    if (!duty.isShared(target)) return
    if (isNews || exchange.read(duty.keyOf(target))?.prober !== exchange.self()) tell(target)
    else untold.add(target)
  }

  function tell(target: ProbeTarget): void {
    untold.delete(target)
    const assessment = evaluator.assessmentOf(target)
    const verdict = encodeVerdict(assessment)
    if (verdict === undefined) return
    exchange.write(duty.keyOf(target), { verdict, checks: assessment.history.encode().toString('base64') })
  }

  function refresh(): void {
    cancel = clock.after(refreshMs, refresh)
    for (const target of untold.values().take(maxRefreshed).toArray()) if (duty.isShared(target)) tell(target)
  }

  function onVerdicts(keys: readonly string[]): void {
    for (const key of keys) {
      const target = targets.get(key)
      if (!target) continue
      adoptKnown(target)
      runner.reconsider(target)
    }
  }

  function probers(): ProberCounts {
    const id = exchange.self()
    const others = new Map<string, number>()
    let own = 0
    let unknown = 0
    for (const [key, target] of targets) {
      const prober = duty.isShared(target) ? exchange.read(key)?.prober : id
      if (prober === id) own += 1
      else if (prober === undefined) unknown += 1
      else others.set(prober, (others.get(prober) ?? 0) + 1)
    }
    return { own, others, unknown }
  }

  /** The secret may be another one now, since the store is. */
  function onMembers(): void {
    const all = [...targets.values()]
    targets.clear()
    for (const target of all) {
      join(target)
      runner.reconsider(target)
    }
  }

  const unsubscribe = exchange.subscribe({ onVerdicts, onMembers })

  function close(): void {
    cancel()
    unsubscribe()
  }

  return { join, forget, evaluated, probers, close }
}
