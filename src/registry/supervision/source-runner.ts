import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { createBackoff } from '../../flow/backoff.ts'
import { runToCompletion, runCooperatively } from '../../flow/cooperative.ts'
import { createWakeSignal } from '../../flow/wake-signal.ts'
import type { Log } from '../../log.ts'
import type { Change } from '../../model/change.ts'
import { type Sighting, type Source, SourceError } from '../../model/source.ts'
import type { SourceStatus } from '../../model/status.ts'
import type { PreparedCommit, RegistryCore } from '../registry.ts'
import type { AppliedChange, Intake, PlannedChange } from './intake.ts'
import type { SourceSnapshot } from './reading-snapshots.ts'
import { createRefreshTracker } from './refresh-tracker.ts'
import { createShrinkGuard } from './shrink-guard.ts'
import { createSourceState } from './source-state.ts'
import { withWatchdog } from './watchdog.ts'

type CommittedChange = AppliedChange & { readonly changes: readonly Change[] }

export type SourceRunner = ReturnType<typeof startSourceRunner>

/** So long after the first answer, what was restored and is still unheard of is taken for gone. */
const restoredMs = 300_000

/** An attempt that held this long was good: the next failure starts the backoff anew. */
const goodMs = 120_000

/**
 * Runs one source for as long as it is configured: one attempt at a time, restarted with backoff when it throws, cut
 * when it says nothing for `maxSilenceMs`. Whatever it says goes through its intake to the registry: what takes long is
 * worked out in slices, and then there all at once.
 */
export function startSourceRunner({
  name,
  type,
  source,
  intake,
  registry,
  maxSilenceMs,
  keeper,
  log,
  now = Date.now,
  backoff = createBackoff(),
}: {
  name: string
  type: string
  source: Source
  intake: Intake
  registry: Pick<RegistryCore, 'prepareCommit' | 'discardCommit' | 'commit'>
  maxSilenceMs: number
  /** Keeps the last good readings over a restart; absent where there is nothing to keep. */
  keeper?: SourceSnapshot | undefined
  log: Log
  now?: () => number
  backoff?: ReturnType<typeof createBackoff>
}) {
  const stop = new AbortController()
  let restarts = 0
  let ended = false
  let pictured = false
  let lastCall: NodeJS.Timeout | undefined

  const wake = createWakeSignal({ signal: stop.signal, onTake: () => began() })
  const looks = createRefreshTracker({ name, ask: wake.raise })
  const standing = createSourceState({ intake, log })
  const secondLook = createShrinkGuard({ intake, ask: wake.raise, log })
  const { facts } = standing
  const iso = () => new Date(now()).toISOString()

  function began(): void {
    looks.began()
    facts.last_attempt = iso()
  }

  /** Works out in slices what a change leads to, and makes it true in one go, unless it is not wanted any more. */
  async function ahead(
    work: Generator<void, PlannedChange>,
    note: (made: CommittedChange) => void,
    isWanted: () => boolean = () => true,
  ): Promise<void> {
    const planned = await runCooperatively(work)
    const rehearsal = await runCooperatively(registry.prepareCommit(planned.delta))
    await turn() // what it takes to make it true is not piled upon the last slice
    if (stop.signal.aborted || !isWanted()) registry.discardCommit(rehearsal)
    else note(made(planned, rehearsal))
  }

  function made(planned: PlannedChange, rehearsal?: PreparedCommit): CommittedChange {
    const applied = planned.apply()
    return { ...applied, changes: registry.commit(applied.delta, rehearsal) }
  }

  function heard(sighting: Sighting, { delta, held, changes }: CommittedChange): void {
    if (changes.length > 0) facts.last_change = iso()
    if (sighting.note === undefined) delete facts.note
    else facts.note = sighting.note
    secondLook.heard(held)
    const wasAnswered = standing.isAnswered()
    if (sighting.type === 'alive') {
      if (!sighting.waits) standing.confirmed(iso())
    } else {
      pictured = true
      standing.counted(iso())
    }
    const answered = standing.isAnswered()
    if (answered && (!wasAnswered || delta.removed.length + delta.added.length > 0)) keeper?.note(intake.good)
    if (answered && !wasAnswered && intake.summary().restored > 0) lastCall = setTimeout(forget, restoredMs).unref()
    standing.judge()
    looks.brought({ changes, held })
  }

  /** Shows what was kept from before a restart, until the first answer. */
  async function restore(): Promise<void> {
    const kept = await keeper?.restore()
    if (!kept || kept.readings.length === 0 || standing.isAnswered() || intake.summary().servers > 0) return
    const error = new SourceError(`has not been read since the daemon started; this is as it was at ${kept.kept_at}`)
    const note = () =>
      log.info(
        { servers: intake.summary().servers, kept_at: kept.kept_at },
        'source is shown as it was before the restart',
      )
    await ahead(intake.plan.restoring(kept.readings, error), note, () => !standing.isAnswered())
  }

  function forget(): void {
    if (intake.summary().restored === 0) return
    registry.commit(intake.dropRestored())
    keeper?.note(intake.good)
    standing.judge()
  }

  async function accept(sighting: Sighting): Promise<void> {
    await ahead(intake.plan.sighting(sighting, looks.count()), (made) => heard(sighting, made))
  }

  async function fail(thrown: unknown): Promise<void> {
    const error = thrown instanceof SourceError ? thrown : new SourceError(messageOf(thrown), { cause: thrown })
    standing.failed(error)
    await ahead(intake.plan.failure(error), ({ changes }) => {
      standing.judge()
      looks.brought({ changes, held: false, error: error.message })
    })
  }

  async function attempt(): Promise<void> {
    const cut = new AbortController()
    const signal = AbortSignal.any([stop.signal, cut.signal])
    const tell = (sighting: Sighting) => {
      if (!signal.aborted) heard(sighting, made(runToCompletion(intake.plan.sighting(sighting, looks.count()))))
    }
    const ours = { ...wake, wait: (ms?: number) => wake.wait(ms, signal) }
    const sightings = source({ signal, wake: ours, push: tell })[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await withWatchdog(sightings.next(), maxSilenceMs)
        if (next.done) return
        await accept(next.value)
      }
    } finally {
      cut.abort()
      sightings.return?.(undefined).catch(() => {}) // it was told to stop; how it dies is no news
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const start = now()
      ended = false
      pictured = false
      try {
        await attempt()
        if (stop.signal.aborted) return
        ended = true
        standing.ended({ disabled: !pictured })
        const changes = !pictured ? registry.commit(intake.clear()) : []
        standing.judge()
        looks.brought({ changes, held: false })
        await wake.wait()
        wake.take()
      } catch (error) {
        if (stop.signal.aborted) return
        if (now() - start > goodMs) backoff.reset()
        await fail(error)
        if (stop.signal.aborted) return
        restarts += 1
        const delay = error instanceof SourceError && error.retry_after ? error.retry_after * 1000 : backoff.next()
        facts.next_attempt = new Date(now() + delay).toISOString()
        await wake.wait(delay)
        // A source that fails before it looks would leave the wish raised, and no pause would be one.
        if (wake.raised()) wake.take()
        delete facts.next_attempt
      }
    }
  }

  function status(): SourceStatus {
    const { servers, rejected, held } = intake.summary()
    const { origins, rejections } = intake.details()
    return {
      name,
      type,
      state: standing.state(),
      ...facts,
      servers,
      shadowed: 0,
      rejected,
      origins,
      rejections,
      ...(held && { held }),
      consecutive_failures: standing.failures(),
      restarts,
    }
  }

  void restore()
  const running = run()

  /** Ends the source; a hung one is given `graceMs` and then left behind. */
  async function close(graceMs: number): Promise<void> {
    stop.abort()
    secondLook.close()
    clearTimeout(lastCall)
    const kept = keeper?.close()
    looks.brought({ changes: [], held: false, error: 'the source was stopped' }, { isLast: true })
    const patience = new AbortController()
    await Promise.race([running, pause(graceMs, undefined, { signal: patience.signal, ref: false }).catch(() => {})])
    patience.abort()
    await kept
  }

  return {
    name,
    refresh: looks.refresh,
    status,
    close,
    settled: looks.settled,
    answered: standing.isAnswered,
    ended: () => ended,
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
