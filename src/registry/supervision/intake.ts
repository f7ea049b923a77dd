import { runToCompletion } from '../../flow/cooperative.ts'
import type { ServerId } from '../../model/names.ts'
import type { Reading, Sighting, SourceError } from '../../model/source.ts'
import type { Rejection } from '../../model/status.ts'
import type { Candidate, Delta, Layer } from '../candidate.ts'
import { type OriginState, nextOriginState, toOriginStatus, markStale } from './origin-state.ts'
import type { OriginSnapshot } from './reading-snapshots.ts'
import type { Trust } from './validate-entry.ts'

type After = ReadonlyMap<string, OriginState | undefined>

/** A shrink that waits for a second look, and the look that it was seen in. */
type Held = { readonly shown: { readonly removes: number; readonly since: string }; readonly look: number | undefined }

/** What a change leads to: the origins it names as they will be, undefined for those that will be gone. */
type Next = {
  readonly after: After
  readonly delta: Delta
  readonly held: Held | undefined
  /** It is not believed yet, and changes nothing. */
  readonly questioned?: boolean
  /** Its origins are as they were before a restart. */
  readonly restored?: boolean
}

/** What a change made of the candidates, or that it is held. */
export type AppliedChange = { readonly delta: Delta; readonly held: boolean }

/** A change that was worked out ahead. `apply` makes it: as planned, or anew where something else came in between. */
export type PlannedChange = { readonly delta: Delta; readonly apply: () => AppliedChange }

export type Intake = ReturnType<typeof createIntake>

/**
 * Takes what one source says, entry by entry: the good become candidates, the bad are turned away with a reason while
 * their last good version stays, and what could not be read keeps what it last said, stale.
 *
 * The cost of a sighting grows with the origins that changed; for a change, not even the others are looked at.
 */
export function createIntake({ layer, now = Date.now }: { layer: Layer; now?: () => number }) {
  const origins = new Map<string, OriginState>()
  const failing = new Map<string, SourceError>()
  /** Origins that are shown as they were before a restart, and of which nothing has been heard since. */
  const restored = new Set<string>()
  let trust: Trust = { stdio: () => false, questionsShrinks: false }
  let servers = 0
  let rejected = 0
  let held: Held | undefined
  /** Grows with whatever changes what a sighting leads to. */
  let version = 0

  /** A change worked out ahead of time, from what is known now. */
  function* planned(work: () => Generator<void, Next>): Generator<void, PlannedChange> {
    const began = version
    const next = yield* work()
    return { delta: next.delta, apply: () => apply(began === version ? next : runToCompletion(work())) }
  }

  /**
   * What comes after a sighting, or that it is held.
   *
   * `look` numbers the look that brought it: what is said twice of one look is no second look. Left out, each is its own.
   */
  function* afterSighting(sighting: Sighting, look: number | undefined): Generator<void, Next> {
    const after = new Map<string, OriginState | undefined>()
    if (sighting.type === 'alive') return { after, delta: nothing, held }
    for (const reading of sighting.readings) {
      const { origin } = reading
      after.set(origin, yield* nextOriginState(after.get(origin) ?? origins.get(origin), reading, { layer, trust }))
      yield
    }
    if (sighting.type === 'change') {
      for (const origin of sighting.gone) after.set(origin, undefined)
      return { after, delta: yield* deltaOf(after), held }
    }
    // Where nothing at all can be read, what is not named may still be there.
    const isBlind = sighting.readings.length > 0 && sighting.readings.every((reading) => 'error' in reading)
    for (const origin of origins.keys()) {
      if (!after.has(origin) && !(isBlind && restored.has(origin))) after.set(origin, undefined)
    }
    const question = trust.questionsShrinks ? yield* questionIn(after, look) : undefined
    if (question) return { after: new Map(), delta: nothing, held: question, questioned: true }
    return { after, delta: yield* deltaOf(after), held: undefined }
  }

  /** The whole source failed: everything it said stays, stale. */
  function* afterFailure(error: SourceError): Generator<void, Next> {
    const after = new Map<string, OriginState>()
    for (const [name, origin] of origins) {
      after.set(name, { ...origin, error, candidates: markStale(origin.candidates) })
      yield
    }
    return { after, delta: yield* deltaOf(after), held }
  }

  /** What was kept from before a restart, stale; origins that have been heard of since are left as they are. */
  function* afterRestoring(readings: readonly Reading[], error: SourceError): Generator<void, Next> {
    const after = new Map<string, OriginState>()
    for (const reading of readings) {
      const now = origins.get(reading.origin)
      if (now && !(now.error && now.candidates.length === 0)) continue
      const { candidates } = yield* nextOriginState(undefined, reading, { layer, trust })
      after.set(reading.origin, {
        reading: now?.reading ?? reading,
        candidates: markStale(candidates),
        rejections: [],
        error: now?.error ?? error,
      })
    }
    return { after, delta: yield* deltaOf(after), held, restored: true }
  }

  /** Lets go of origins. */
  function drop(names: Iterable<string>): Delta {
    const after = new Map(Array.from(names, (name) => [name, undefined]))
    return apply({ after, delta: runToCompletion(deltaOf(after)), held }).delta
  }

  /** What was last good at each origin. */
  function good(): readonly OriginSnapshot[] {
    return [...origins].map(([origin, { candidates }]) => ({ origin, candidates }))
  }

  /** The first suspicious shrink is held; a second look that is suspicious too is believed. */
  function* questionIn(after: After, look: number | undefined): Generator<void, Held | undefined> {
    const before = yield* idsOf(origins.values())
    const removes = before.difference(yield* idsOf(after.values())).size
    if (removes < 5 || removes * 2 <= before.size) return undefined
    if (held && (look === undefined || look !== held.look)) return undefined
    return { shown: held?.shown ?? { removes, since: new Date(now()).toISOString() }, look }
  }

  function* deltaOf(after: After): Generator<void, Delta> {
    const gone: Candidate[] = []
    const come: Candidate[] = []
    for (const [name, next] of after) {
      const before = origins.get(name)
      if (before === next) continue
      yield
      const [had, has] = [before?.candidates ?? [], next?.candidates ?? []]
      for (const candidate of missing(had, has)) gone.push(candidate)
      for (const candidate of missing(has, had)) come.push(candidate)
    }
    return { removed: gone, added: come }
  }

  /** Puts each named origin in the place of what was there; what is undefined is gone. */
  function apply({ after, delta, held: question, questioned = false, restored: isRestored }: Next): AppliedChange {
    version += 1
    held = question
    for (const [name, next] of after) {
      const before = origins.get(name)
      // That it cannot be read is a word on it too; that the whole source cannot be read is none.
      const isHeardOf = !next?.error || 'error' in next.reading
      if (isHeardOf) restored.delete(name)
      else if (isRestored) restored.add(name)
      if (before === next) continue
      count(before, -1)
      count(next, 1)
      if (next) origins.set(name, next)
      else origins.delete(name)
      if (next?.error) failing.set(name, next.error)
      else failing.delete(name)
    }
    return { delta, held: questioned }
  }

  function count(origin: OriginState | undefined, times: 1 | -1): void {
    if (!origin) return
    servers += times * origin.candidates.length
    rejected += times * origin.rejections.length
  }

  /** How it stands, at a cost that grows with what is wrong. */
  function summary() {
    const [bad] = failing
    return {
      servers,
      rejected,
      origins: origins.size,
      restored: restored.size,
      failing: failing.size,
      /** Nothing was to be had there; what is broken was an answer, if a bad one. */
      unanswered: failing
        .values()
        .filter((error) => error.class !== 'config')
        .toArray().length,
      error: bad && `${bad[0]}: ${bad[1].message}`,
      held: held?.shown,
    }
  }

  /** What fails comes first; of each at most so many, so that asking does not cost more the more there is. */
  function details(most = { origins: 1000, rejections: 100 }) {
    return {
      origins: failingFirst().take(most.origins).map(toOriginStatus).toArray(),
      rejections: rejected === 0 ? [] : allRejections().take(Math.min(rejected, most.rejections)).toArray(),
    }
  }

  function* failingFirst(): Generator<OriginState> {
    for (const origin of origins.values()) if (origin.error) yield origin
    for (const origin of origins.values()) if (!origin.error) yield origin
  }

  function* allRejections(): Generator<Rejection> {
    for (const { rejections } of origins.values()) yield* rejections
  }

  /** Changes worked out ahead: they yield wherever they may be interrupted, and nothing is another before they are applied. */
  const plan = {
    sighting: (sighting: Sighting, look?: number) => planned(() => afterSighting(sighting, look)),
    failure: (error: SourceError) => planned(() => afterFailure(error)),
    restoring: (readings: readonly Reading[], error: SourceError) => planned(() => afterRestoring(readings, error)),
  }

  return {
    trust(next: Trust): void {
      trust = next
      version += 1
    },
    plan,
    /** Applies a sighting; the answer says what it changes among the candidates, or that it is held. */
    accept: (sighting: Sighting, look?: number): AppliedChange =>
      runToCompletion(plan.sighting(sighting, look)).apply(),
    /** Lets go of what was restored and is still unheard of. */
    dropRestored: () => drop(restored),
    good,
    clear: () => drop(origins.keys()),
    summary,
    details,
  }
}

const nothing: Delta = { removed: [], added: [] }

/** Those of `candidates` that `others` do not hold. Most origins hold one. */
function missing(candidates: readonly Candidate[], others: readonly Candidate[]): readonly Candidate[] {
  if (others.length <= 1) return candidates.filter((candidate) => candidate !== others[0])
  const known = new Set(others)
  return candidates.filter((candidate) => !known.has(candidate))
}

function* idsOf(origins: Iterable<OriginState | undefined>): Generator<void, Set<ServerId>> {
  const ids = new Set<ServerId>()
  for (const origin of origins) {
    for (const { id } of origin?.candidates ?? []) ids.add(id)
    yield
  }
  return ids
}
