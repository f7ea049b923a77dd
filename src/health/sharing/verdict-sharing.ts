import { createChunkedQueue } from '../../flow/chunked-queue.ts'
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
  /** Shared targets by who probes them; `undefined`: no verdict is known. */
  const tally = new Map<string | undefined, number>()
  const counted = new Map<ProbeTarget, { readonly prober: string | undefined }>()
  let secret = exchange.secret()
  const reconsidering = createChunkedQueue<ProbeTarget>((target) => {
    if (target.ids.size > 0) consider(target)
  })
  let cancel = clock.after(refreshMs, refresh)

  function join(target: ProbeTarget): void {
    targets.set(duty.keyOf(target), target)
    adoptKnown(target)
    count(target)
  }

  function consider(target: ProbeTarget): void {
    adoptKnown(target)
    count(target)
    runner.reconsider(target)
  }

  function forget(target: ProbeTarget): void {
    targets.delete(duty.keyOf(target))
    uncount(target)
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
    count(target)
  }

  function refresh(): void {
    cancel = clock.after(refreshMs, refresh)
    for (const target of untold.values().take(maxRefreshed).toArray()) if (duty.isShared(target)) tell(target)
  }

  function onVerdicts(keys: readonly string[]): void {
    reconsidering.add(keys.flatMap((key) => targets.get(key) ?? []))
  }

  function probers(): ProberCounts {
    const id = exchange.self()
    const others = new Map([...tally].filter(([prober]) => prober !== id && prober !== undefined)) as Map<
      string,
      number
    >
    const shared = tally.values().reduce((sum, count) => sum + count, 0)
    const own = (tally.get(id) ?? 0) + targets.size - shared
    return { own, others, unknown: tally.get(undefined) ?? 0 }
  }

  /** Counts the target under who probes it now. Commands, which every daemon runs, are not counted. */
  function count(target: ProbeTarget): void {
    uncount(target)
    if (!duty.isShared(target)) return
    const prober = exchange.read(duty.keyOf(target))?.prober
    counted.set(target, { prober })
    tally.set(prober, (tally.get(prober) ?? 0) + 1)
  }

  function uncount(target: ProbeTarget): void {
    const before = counted.get(target)
    if (!before) return
    counted.delete(target)
    const left = (tally.get(before.prober) ?? 1) - 1
    if (left > 0) tally.set(before.prober, left)
    else tally.delete(before.prober)
  }

  function onMembers(): void {
    if (exchange.secret() !== secret) hashAgain()
    reconsidering.add([...targets.values()])
  }

  /** The secret is another one, since the store is. */
  function hashAgain(): void {
    secret = exchange.secret()
    const all = [...targets.values()]
    targets.clear()
    for (const target of all) targets.set(duty.keyOf(target), target)
  }

  const unsubscribe = exchange.subscribe({ onVerdicts, onMembers })

  function close(): void {
    cancel()
    unsubscribe()
  }

  return { join, forget, evaluated, probers, close }
}
