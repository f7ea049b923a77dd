import { isDeepStrictEqual } from 'node:util'
import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'
import type { Change } from '../../model/change.ts'
import type { Server } from '../../model/server.ts'
import type { Source } from '../../model/source.ts'
import type { SourceStatus } from '../../model/status.ts'
import type { Delta, Layer } from '../candidate.ts'
import type { RegistryCore } from '../registry.ts'
import { createIntake, type Intake } from './intake.ts'
import type { ReadingSnapshots } from './reading-snapshots.ts'
import type { ReadyConfig } from './ready-config.ts'
import type { RefreshOutcome } from './refresh-tracker.ts'
import { type SourceRunner, startSourceRunner } from './source-runner.ts'
import type { SourceListener } from './source-state.ts'
import type { Trust } from './validate-entry.ts'

/** One source, ready to run: its name, rank, trust and limits, and what opens it. */
export type SourcePlan = {
  readonly name: string
  readonly type: string
  /** Compared by value: over a reload, a source with equal settings runs on untouched. */
  readonly settings: unknown
  /** Readings stored under equal ones are restored; by default the settings. */
  readonly storedSettings?: unknown
  readonly layer: Pick<Layer, 'reach' | 'discovery_method'>
  readonly trust: Trust
  readonly maxSilenceMs: number
  /** Whether its last good readings are stored over a restart of the daemon. */
  readonly isPersisted?: boolean
  readonly open: () => Source
}

/** A running source. Layer and intake outlive a restart with other settings, so that the servers stay meanwhile. */
type RunningSource = {
  readonly plan: SourcePlan
  readonly layer: Layer
  readonly intake: Intake
  readonly runner: SourceRunner
}

export type Supervisor = ReturnType<typeof createSupervisor>

/**
 * Keeps the configured sources running, each in a runner of its own, so that no source affects another.
 *
 * `apply` is a difference. Equal sources run on untouched. Changed ones restart, and their servers stay until the first
 * answer. Removed ones lose their servers in one revision.
 */
export function createSupervisor({
  registry,
  snapshots,
  log,
  readiness = () => ({ require: [], timeout: 30 }),
  graceMs = 2000,
  backoff = createBackoff,
  now = Date.now,
  onSourceChange,
}: {
  registry: Pick<RegistryCore, 'prepareCommit' | 'discardCommit' | 'commit' | 'reorderSources' | 'counters'>
  /** Stores the last good readings; absent where nothing is stored. */
  snapshots?: ReadingSnapshots
  log: Log
  /** When the daemon is ready although a source has not answered. */
  readiness?: () => ReadyConfig
  /** Maximum time a stopping source may take before it is abandoned. */
  graceMs?: number
  backoff?: () => ReturnType<typeof createBackoff>
  now?: () => number
  onSourceChange?: SourceListener
}) {
  let running = new Map<string, RunningSource>()
  const startedAt = now()
  let isApplied = false

  function start(plan: SourcePlan, before: RunningSource | undefined): RunningSource {
    const reused = before?.plan.type === plan.type ? before : undefined
    const layer: Layer = reused?.layer ?? { name: plan.name, ...plan.layer, order: 0 }
    const intake = reused?.intake ?? createIntake({ layer, now })
    intake.setTrust(plan.trust)
    const runner = startSourceRunner({
      name: plan.name,
      type: plan.type,
      source: plan.open(),
      intake,
      registry,
      maxSilenceMs: plan.maxSilenceMs,
      snapshot: plan.isPersisted ? snapshots?.snapshotOf(plan.name, plan.storedSettings ?? plan.settings) : undefined,
      log: log.child({ source: plan.name, type: plan.type }),
      now,
      backoff: backoff(),
      onChange: onSourceChange,
    })
    return { plan, layer, intake, runner }
  }

  /** Makes the running sources those of `plans`, in their order of precedence. */
  async function apply(plans: readonly SourcePlan[]): Promise<readonly Change[]> {
    const before = running
    const stopping: Promise<void>[] = []
    const removed: Delta['removed'][number][] = []
    running = new Map()
    isApplied = true
    for (const [name, old] of before) {
      const plan = plans.find((one) => one.name === name)
      if (plan && isDeepStrictEqual(plan.settings, old.plan.settings)) continue
      stopping.push(old.runner.close(graceMs))
      if (plan?.type !== old.plan.type) removed.push(...old.intake.clear().removed)
    }
    for (const plan of plans) {
      const old = before.get(plan.name)
      const isEqual = old && isDeepStrictEqual(plan.settings, old.plan.settings)
      running.set(plan.name, isEqual ? old : start(plan, old))
    }
    const changes = registry.reorderSources(
      [...running.values()].map(({ layer }) => layer),
      { removed, added: [] },
    )
    await Promise.all(stopping)
    return changes
  }

  function runnerOf(name: string): SourceRunner {
    const source = running.get(name)
    if (source) return source.runner
    const names = [...running.keys()].join(', ') || 'none'
    throw new Error(`Unknown source ${JSON.stringify(name)}. The sources are: ${names}.`)
  }

  function sources(): SourceStatus[] {
    const { shadowed } = registry.counters()
    return [...running.values()].map(({ runner }) => ({
      ...runner.status(),
      shadowed: shadowed.get(runner.name) ?? 0,
    }))
  }

  /** Names of the sources that have not answered yet. */
  function syncing(): string[] {
    // No closures: every request for a list asks.
    const names: string[] = []
    for (const { runner } of running.values()) if (!runner.isAnswered()) names.push(runner.name)
    return names
  }

  /** Whether every source has answered once, or the timeout has passed. */
  function isStarted(): boolean {
    return (isApplied && syncing().length === 0) || now() - startedAt >= readiness().timeout * 1000
  }

  /** Whether the startup is over, and every required source has answered. */
  function ready(): boolean {
    const { require } = readiness()
    return isStarted() && !(require.length > 0 && syncing().some((name) => require.includes(name)))
  }

  /** Whether the author of a server may name variables of clients: one whose commands they start, or an admin. */
  function mayNameVariables({ source, namespace }: Pick<Server, 'source' | 'namespace'>): boolean {
    const plan = running.get(source)?.plan
    return plan?.trust.plain?.(namespace) ?? false
  }

  return {
    apply,
    sources,
    syncing,
    isStarted,
    ready,
    /** Reads a source now. Throws for an unknown source, and a `SourceError` where it does not answer within `ms`. */
    refresh: async (name: string, ms = 30_000): Promise<RefreshOutcome> => await runnerOf(name).refresh(ms),
    names: () => [...running.keys()],
    mayNameVariables,
    /** Resolves once the first read of every source has ended, well or not. */
    settled: async () => void (await Promise.all([...running.values()].map(({ runner }) => runner.settled))),
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.values()].map(({ runner }) => runner.close(graceMs)))
    },
  }
}
