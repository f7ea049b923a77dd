import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { createBackoff } from '../../flow/backoff.ts'
import { runToCompletion, runCooperatively } from '../../flow/cooperative.ts'
import { createWakeSignal } from '../../flow/wake-signal.ts'
import type { Log } from '../../log.ts'
import type { Change } from '../../model/change.ts'
import { type Sighting, type Source, SourceError } from '../../model/source.ts'
import type { PreparedCommit, RegistryCore } from '../registry.ts'
import type { AppliedChange, Intake, PlannedChange } from './intake.ts'
import type { SourceSnapshot } from './reading-snapshots.ts'
import { createRefreshTracker } from './refresh-tracker.ts'
import { createShrinkGuard } from './shrink-guard.ts'
import { runAttempt } from './source-attempt.ts'
import { createSourceState, type SourceListener } from './source-state.ts'

type CommittedChange = AppliedChange & { readonly changes: readonly Change[] }

export type SourceRunner = ReturnType<typeof startSourceRunner>

/** Time after the first answer until restored origins that the source has not mentioned are dropped. */
const restoredOriginsTtlMs = 300_000

/** Minimum duration of an attempt that resets the backoff. */
const stableAttemptMs = 120_000

/**
 * Runs one source for as long as it is configured: one attempt at a time, restarted with backoff when it throws or has no
 * sighting for `maxSilenceMs`. Its sightings go through the intake to the registry. Long ones are prepared in slices and
 * committed at once.
 */
export function startSourceRunner({
  name,
  type,
  source,
  intake,
  registry,
  maxSilenceMs,
  snapshot,
  log,
  now = Date.now,
  backoff = createBackoff(),
  onChange,
}: {
  name: string
  type: string
  source: Source
  intake: Intake
  registry: Pick<RegistryCore, 'prepareCommit' | 'discardCommit' | 'commit'>
  maxSilenceMs: number
  /** Stores the last good readings over a restart; absent for a source that is not stored. */
  snapshot?: SourceSnapshot | undefined
  log: Log
  now?: () => number
  backoff?: ReturnType<typeof createBackoff>
  onChange?: SourceListener | undefined
}) {
  const stop = new AbortController()
  let hasPicture = false
  let dropTimer: NodeJS.Timeout | undefined

  const wake = createWakeSignal({ signal: stop.signal, onTake: () => readStarted() })
  const reads = createRefreshTracker({ name, requestRead: wake.raise })
  const state = createSourceState({ name, type, intake, log, now, onChange })
  const shrinkGuard = createShrinkGuard({ held: () => intake.summary().held, requestRead: wake.raise, log })

  function readStarted(): void {
    reads.readStarted()
    state.readStarted()
  }

  /** Prepares a change in slices, then commits it in one step, unless `isWanted` denies it by then. */
  async function commitInSlices(
    work: Generator<void, PlannedChange>,
    onCommit: (change: CommittedChange) => void,
    isWanted: () => boolean = () => true,
  ): Promise<void> {
    const planned = await runCooperatively(work)
    const prepared = await runCooperatively(registry.prepareCommit(planned.delta))
    await turn() // the commit gets a turn of its own, not the rest of the last slice
    if (stop.signal.aborted || !isWanted()) registry.discardCommit(prepared)
    else onCommit(commitPlanned(planned, prepared))
  }

  function commitPlanned(planned: PlannedChange, prepared?: PreparedCommit): CommittedChange {
    const applied = planned.apply()
    return { ...applied, changes: registry.commit(applied.delta, prepared) }
  }

  function onSighting(sighting: Sighting, { delta, held, changes }: CommittedChange): void {
    shrinkGuard.sighted(held)
    const wasAnswered = state.isAnswered()
    if (sighting.type !== 'alive') hasPicture = true
    state.sighted(sighting, { isChanged: changes.length > 0 })
    const isFirstAnswer = state.isAnswered() && !wasAnswered
    const isDifferent = delta.removed.length + delta.added.length > 0
    if (state.isAnswered() && (isFirstAnswer || isDifferent)) snapshot?.schedule(intake.snapshot)
    if (isFirstAnswer && intake.summary().restored > 0)
      dropTimer = setTimeout(dropRestored, restoredOriginsTtlMs).unref()
    state.update()
    reads.readFinished({ changes, held })
  }

  /** Shows the stored readings until the first answer. */
  async function restore(): Promise<void> {
    const stored = await snapshot?.restore()
    if (!stored || stored.readings.length === 0 || state.isAnswered() || intake.summary().servers > 0) return
    const error = new SourceError(
      `not read since the daemon started; showing the last good reading of ${stored.kept_at}`,
    )
    const onCommit = () =>
      log.info({ servers: intake.summary().servers, kept_at: stored.kept_at }, 'last good readings restored')
    await commitInSlices(intake.plan.restore(stored.readings, error), onCommit, () => !state.isAnswered())
  }

  function dropRestored(): void {
    if (intake.summary().restored === 0) return
    registry.commit(intake.dropRestored())
    snapshot?.schedule(intake.snapshot)
    state.update()
  }

  async function accept(sighting: Sighting): Promise<void> {
    await commitInSlices(intake.plan.sighting(sighting, reads.readNumber()), (change) => onSighting(sighting, change))
  }

  function push(sighting: Sighting): void {
    onSighting(sighting, commitPlanned(runToCompletion(intake.plan.sighting(sighting, reads.readNumber()))))
  }

  async function fail(thrown: unknown): Promise<void> {
    const error = thrown instanceof SourceError ? thrown : new SourceError(messageOf(thrown), { cause: thrown })
    state.failed(error)
    await commitInSlices(intake.plan.failure(error), ({ changes }) => {
      state.update()
      reads.readFinished({ changes, held: false, error: error.message })
    })
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const start = now()
      hasPicture = false
      try {
        await runAttempt({ source, stop: stop.signal, wake, maxSilenceMs, accept, push })
        if (stop.signal.aborted) return
        state.ended({ disabled: !hasPicture })
        const changes = !hasPicture ? registry.commit(intake.clear()) : []
        state.update()
        reads.readFinished({ changes, held: false })
        await wake.wait()
        wake.take()
      } catch (error) {
        if (stop.signal.aborted) return
        if (now() - start > stableAttemptMs) backoff.reset()
        await fail(error)
        if (stop.signal.aborted) return
        const delayMs = error instanceof SourceError && error.retry_after ? error.retry_after * 1000 : backoff.next()
        state.restartScheduled(delayMs)
        await wake.wait(delayMs)
        // A source that fails before it reads never clears the signal, which would end every later wait at once.
        if (wake.raised()) wake.take()
        state.restarted()
      }
    }
  }

  void restore()
  const running = run()

  /** Stops the source; one that hangs is abandoned after `graceMs`. */
  async function close(graceMs: number): Promise<void> {
    stop.abort()
    shrinkGuard.close()
    clearTimeout(dropTimer)
    const stored = snapshot?.close()
    reads.readFinished({ changes: [], held: false, error: 'the source was stopped' }, { isLast: true })
    const timer = new AbortController()
    await Promise.race([running, pause(graceMs, undefined, { signal: timer.signal, ref: false }).catch(() => {})])
    timer.abort()
    await stored
  }

  return {
    name,
    refresh: reads.refresh,
    status: state.status,
    close,
    settled: reads.settled,
    isAnswered: state.isAnswered,
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
