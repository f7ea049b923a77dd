import { runToCompletion } from '../../flow/cooperative.ts'
import type { ServerId } from '../../model/names.ts'
import type { Reading, Sighting, SourceError } from '../../model/source.ts'
import type { Rejection } from '../../model/status.ts'
import type { Candidate, Delta, Layer } from '../candidate.ts'
import { markStale, nextOriginState, type OriginState, toOriginStatus } from './origin-state.ts'
import type { OriginSnapshot } from './reading-snapshots.ts'
import { type HeldShrink, detectShrink } from './shrink-guard.ts'
import type { Trust } from './validate-entry.ts'

/** The next state of each origin that changes; undefined where the origin is gone. */
type NextOrigins = ReadonlyMap<string, OriginState | undefined>

/** What a sighting, a failure or a restore leads to. */
type Transition = {
  readonly after: NextOrigins
  readonly delta: Delta
  readonly held: HeldShrink | undefined
  /** The sighting is a shrink that waits for confirmation, so nothing changes. */
  readonly isHeld?: boolean
  /** The origins come from a stored reading of before a restart. */
  readonly isRestored?: boolean
}

/** What was applied to the candidates; nothing where the sighting is held. */
export type AppliedChange = { readonly delta: Delta; readonly held: boolean }

/** A change prepared ahead. `apply` uses the plan, or computes it again where the intake has changed since. */
export type PlannedChange = { readonly delta: Delta; readonly apply: () => AppliedChange }

export type Intake = ReturnType<typeof createIntake>

/**
 * Accepts the sightings of one source entry by entry. Good entries become candidates. Bad entries are rejected with a
 * reason, and their last good versions stay. An origin that cannot be read keeps its candidates. What is kept is stale.
 *
 * The cost of a sighting grows with the origins that changed; a `change` does not visit the others.
 */
export function createIntake({ layer, now = Date.now }: { layer: Layer; now?: () => number }) {
  const origins = new Map<string, OriginState>()
  const failing = new Map<string, SourceError>()
  /** Origins restored from a stored reading that no sighting has mentioned since. */
  const restored = new Set<string>()
  let trust: Trust = { stdio: () => false, questionsShrinks: false }
  let servers = 0
  /** Servers that are not stale. */
  let fresh = 0
  let rejected = 0
  /** Rejected entries that are a fault of the source. */
  let faulty = 0
  let held: HeldShrink | undefined
  /** Counts the changes that make an earlier plan invalid. */
  let version = 0

  /** Prepares a change from the present state. */
  function* prepare(work: () => Generator<void, Transition>): Generator<void, PlannedChange> {
    const versionAtStart = version
    const transition = yield* work()
    return {
      delta: transition.delta,
      apply: () => apply(versionAtStart === version ? transition : runToCompletion(work())),
    }
  }

  /** `readNumber` distinguishes sightings of one read from those of two: one read cannot confirm its own shrink. */
  function* afterSighting(sighting: Sighting, readNumber: number | undefined): Generator<void, Transition> {
    const after = new Map<string, OriginState | undefined>()
    if (sighting.type === 'alive') return { after, delta: noChange, held }
    for (const reading of sighting.readings) {
      const { origin } = reading
      after.set(origin, yield* nextOriginState(after.get(origin) ?? origins.get(origin), reading, { layer, trust }))
      yield
    }
    if (sighting.type === 'change') {
      for (const origin of sighting.gone) after.set(origin, undefined)
      return { after, delta: yield* deltaOf(after), held }
    }
    // If every reading failed, an origin that is missing from the picture may still exist.
    const isBlind = sighting.readings.length > 0 && sighting.readings.every((reading) => 'error' in reading)
    for (const origin of origins.keys()) {
      if (!after.has(origin) && !(isBlind && restored.has(origin))) after.set(origin, undefined)
    }
    const heldShrink = trust.questionsShrinks ? yield* shrinkIn(after, readNumber) : undefined
    if (heldShrink) return { after: new Map(), delta: noChange, held: heldShrink, isHeld: true }
    return { after, delta: yield* deltaOf(after), held: undefined }
  }

  /** The whole source failed: every origin stays, stale. */
  function* afterFailure(error: SourceError): Generator<void, Transition> {
    const after = new Map<string, OriginState>()
    for (const [name, origin] of origins) {
      after.set(name, { ...origin, error, candidates: markStale(origin.candidates) })
      yield
    }
    return { after, delta: yield* deltaOf(after), held }
  }

  /** Restores stored readings as stale; origins that a sighting has mentioned already stay as they are. */
  function* afterRestore(readings: readonly Reading[], error: SourceError): Generator<void, Transition> {
    const after = new Map<string, OriginState>()
    for (const reading of readings) {
      const current = origins.get(reading.origin)
      if (current && !(current.error && current.candidates.length === 0)) continue
      const { candidates } = yield* nextOriginState(undefined, reading, { layer, trust })
      after.set(reading.origin, {
        reading: current?.reading ?? reading,
        candidates: markStale(candidates),
        rejections: [],
        error: current?.error ?? error,
      })
    }
    return { after, delta: yield* deltaOf(after), held, isRestored: true }
  }

  function drop(names: Iterable<string>): Delta {
    const after = new Map(Array.from(names, (name) => [name, undefined]))
    return apply({ after, delta: runToCompletion(deltaOf(after)), held }).delta
  }

  function* shrinkIn(after: NextOrigins, readNumber: number | undefined): Generator<void, HeldShrink | undefined> {
    const idsBefore = yield* idsOf(origins.values())
    const idsAfter = yield* idsOf(after.values())
    return detectShrink({ before: idsBefore, after: idsAfter, held, readNumber, now: now() })
  }

  function* deltaOf(after: NextOrigins): Generator<void, Delta> {
    const removed: Candidate[] = []
    const added: Candidate[] = []
    for (const [name, next] of after) {
      const before = origins.get(name)
      if (before === next) continue
      yield
      const [old, current] = [before?.candidates ?? [], next?.candidates ?? []]
      for (const candidate of difference(old, current)) removed.push(candidate)
      for (const candidate of difference(current, old)) added.push(candidate)
    }
    return { removed, added }
  }

  function apply({ after, delta, held: nextHeld, isHeld = false, isRestored = false }: Transition): AppliedChange {
    version += 1
    held = nextHeld
    for (const [name, next] of after) {
      const before = origins.get(name)
      // An error of the origin itself counts as a mention; a failure of the whole source does not.
      const isMentioned = !next?.error || 'error' in next.reading
      if (isMentioned) restored.delete(name)
      else if (isRestored) restored.add(name)
      if (before === next) continue
      count(before, -1)
      count(next, 1)
      if (next) origins.set(name, next)
      else origins.delete(name)
      if (next?.error) failing.set(name, next.error)
      else failing.delete(name)
    }
    return { delta, held: isHeld }
  }

  function count(origin: OriginState | undefined, by: 1 | -1): void {
    if (!origin) return
    servers += by * origin.candidates.length
    fresh += by * origin.candidates.filter(({ stale }) => !stale).length
    rejected += by * origin.rejections.length
    faulty += by * origin.rejections.filter(({ isExpected }) => !isExpected).length
  }

  /** Totals, at a cost that grows with the failing origins only. */
  function summary() {
    const outages = [...failing].filter(([, error]) => error.class !== 'config')
    const [first] = outages.length > 0 ? outages : failing
    return {
      servers,
      rejected,
      isWhollyRejected: faulty > 0 && fresh === 0,
      origins: origins.size,
      restored: restored.size,
      failing: failing.size,
      /** One failure; an outage before a broken document (`config`). */
      error: first && `${first[0]}: ${first[1].message}`,
      held: held?.shown,
    }
  }

  /** Origins, failing ones first, and rejections; capped, so that the cost does not grow with the source. */
  function details(max = { origins: 1000, rejections: 100 }) {
    return {
      origins: failingFirst().take(max.origins).map(toOriginStatus).toArray(),
      rejections: rejected === 0 ? [] : allRejections().take(Math.min(rejected, max.rejections)).toArray(),
    }
  }

  function* failingFirst(): Generator<OriginState> {
    for (const origin of origins.values()) if (origin.error) yield origin
    for (const origin of origins.values()) if (!origin.error) yield origin
  }

  function* allRejections(): Generator<Rejection> {
    for (const { rejections } of origins.values()) yield* rejections
  }

  /** Changes prepared ahead. They yield wherever they may be interrupted, and change nothing until applied. */
  const plan = {
    sighting: (sighting: Sighting, readNumber?: number) => prepare(() => afterSighting(sighting, readNumber)),
    failure: (error: SourceError) => prepare(() => afterFailure(error)),
    restore: (readings: readonly Reading[], error: SourceError) => prepare(() => afterRestore(readings, error)),
  }

  return {
    setTrust(next: Trust): void {
      trust = next
      version += 1
    },
    plan,
    /** Applies a sighting at once. */
    accept: (sighting: Sighting, readNumber?: number): AppliedChange =>
      runToCompletion(plan.sighting(sighting, readNumber)).apply(),
    /** Drops the restored origins that no sighting has mentioned. */
    dropRestored: () => drop(restored),
    /** The last good candidates of each origin. */
    snapshot: (): readonly OriginSnapshot[] => [...origins].map(([origin, { candidates }]) => ({ origin, candidates })),
    clear: () => drop(origins.keys()),
    summary,
    details,
  }
}

const noChange: Delta = { removed: [], added: [] }

/** The candidates that are not among `others`. Most origins have one candidate. */
function difference(candidates: readonly Candidate[], others: readonly Candidate[]): readonly Candidate[] {
  if (others.length <= 1) return candidates.filter((candidate) => candidate !== others[0])
  const excluded = new Set(others)
  return candidates.filter((candidate) => !excluded.has(candidate))
}

function* idsOf(origins: Iterable<OriginState | undefined>): Generator<void, Set<ServerId>> {
  const ids = new Set<ServerId>()
  for (const origin of origins) {
    for (const { id } of origin?.candidates ?? []) ids.add(id)
    yield
  }
  return ids
}
