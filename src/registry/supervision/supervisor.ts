import { isDeepStrictEqual } from 'node:util'
import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'
import type { Change } from '../../model/change.ts'
import type { Source } from '../../model/source.ts'
import type { SourceStatus } from '../../model/status.ts'
import type { Delta, Layer } from '../candidate.ts'
import type { RegistryCore } from '../registry.ts'
import { createIntake, type Intake } from './intake.ts'
import type { ReadingSnapshots } from './reading-snapshots.ts'
import type { RefreshOutcome } from './refresh-tracker.ts'
import { type SourceRunner, startSourceRunner } from './source-runner.ts'
import type { Trust } from './validate-entry.ts'

/** One source, ready to run: how it is named, ranked and trusted, and what opens it. */
export type SourcePlan = {
  readonly name: string
  readonly type: string
  /** Compared by value: a source whose settings are equal goes on untouched over a reload. */
  readonly settings: unknown
  readonly layer: Pick<Layer, 'reach' | 'discovery_method'>
  readonly trust: Trust
  readonly maxSilenceMs: number
  /** Whether what it last said is kept over a restart. */
  readonly isPersisted?: boolean
  readonly open: () => Source
}

/** A source in life. Its layer and intake outlive a restart with other settings, so that its servers stay meanwhile. */
type Running = {
  readonly plan: SourcePlan
  readonly layer: Layer
  readonly intake: Intake
  readonly lane: SourceRunner
}

export type Supervisor = ReturnType<typeof createSupervisor>

/**
 * Keeps the configured sources running, each in a lane of its own, so that none can hurt another.
 *
 * `apply` is a difference: equal sources go on untouched, changed ones restart with their servers kept until they answer
 * anew, removed ones lose their servers in one revision.
 */
export function createSupervisor({
  registry,
  keeping,
  log,
  startupMs = 30_000,
  graceMs = 2000,
  backoff = createBackoff,
  now = Date.now,
}: {
  registry: Pick<RegistryCore, 'prepareCommit' | 'discardCommit' | 'commit' | 'reorderSources' | 'counters'>
  /** Where what sources last said is kept; absent where nothing is. */
  keeping?: ReadingSnapshots
  log: Log
  startupMs?: number
  /** How long a stopping source may take before it is left behind. */
  graceMs?: number
  backoff?: () => ReturnType<typeof createBackoff>
  now?: () => number
}) {
  let running = new Map<string, Running>()
  const startedAt = now()
  let applied = false

  function start(plan: SourcePlan, before: Running | undefined): Running {
    const kept = before?.plan.type === plan.type ? before : undefined
    const layer: Layer = kept?.layer ?? { name: plan.name, ...plan.layer, order: 0 }
    const intake = kept?.intake ?? createIntake({ layer, now })
    intake.trust(plan.trust)
    const lane = startSourceRunner({
      name: plan.name,
      type: plan.type,
      source: plan.open(),
      intake,
      registry,
      maxSilenceMs: plan.maxSilenceMs,
      keeper: plan.isPersisted ? keeping?.keeperFor(plan.name, plan.settings) : undefined,
      log: log.child({ source: plan.name, type: plan.type }),
      now,
      backoff: backoff(),
    })
    return { plan, layer, intake, lane }
  }

  /** Makes the running sources those of `plans`, in their order of precedence. */
  async function apply(plans: readonly SourcePlan[]): Promise<readonly Change[]> {
    const before = running
    const stopping: Promise<void>[] = []
    const gone: Delta['removed'][number][] = []
    running = new Map()
    applied = true
    for (const [name, old] of before) {
      const plan = plans.find((one) => one.name === name)
      if (plan && isDeepStrictEqual(plan.settings, old.plan.settings)) continue
      stopping.push(old.lane.close(graceMs))
      if (plan?.type !== old.plan.type) gone.push(...old.intake.clear().removed)
    }
    for (const plan of plans) {
      const old = before.get(plan.name)
      const equal = old && isDeepStrictEqual(plan.settings, old.plan.settings)
      running.set(plan.name, equal ? old : start(plan, old))
    }
    const changes = registry.reorderSources(
      [...running.values()].map(({ layer }) => layer),
      { removed: gone, added: [] },
    )
    await Promise.all(stopping)
    return changes
  }

  function laneOf(name: string): SourceRunner {
    const found = running.get(name)
    if (found) return found.lane
    const known = [...running.keys()].join(', ') || 'none'
    throw new Error(`There is no source named ${JSON.stringify(name)}. The sources are: ${known}.`)
  }

  function sources(): SourceStatus[] {
    const { shadowed } = registry.counters()
    return [...running.values()].map(({ lane }) => ({ ...lane.status(), shadowed: shadowed.get(lane.name) ?? 0 }))
  }

  /** Names of the sources that have not answered yet. */
  function syncing(): string[] {
    return [...running.values()].filter(({ lane }) => !lane.answered()).map(({ lane }) => lane.name)
  }

  return {
    apply,
    sources,
    syncing,
    /** Whether every source has answered once, or has had its time to. */
    ready: () => (applied && syncing().length === 0) || now() - startedAt > startupMs,
    /** Reads a source now; throws where there is no such source, and a `SourceError` where it does not answer in time. */
    refresh: async (name: string, ms = 30_000): Promise<RefreshOutcome> => await laneOf(name).refresh(ms),
    names: () => [...running.keys()],
    /** Resolves once every source has answered for the first time, or was given up on for now. */
    settled: async () => void (await Promise.all([...running.values()].map(({ lane }) => lane.settled))),
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.values()].map(({ lane }) => lane.close(graceMs)))
    },
  }
}
