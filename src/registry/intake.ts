import { isDeepStrictEqual } from 'node:util'
import type { ServerId } from '../model/names.ts'
import type { Reading, Sighting, SourceError } from '../model/source.ts'
import type { OriginStatus, Rejection } from '../model/status.ts'
import type { Candidate, Delta, Layer } from './candidate.ts'
import { examine, type Examined, type Trust } from './examine.ts'
import type { Good } from './keeping.ts'

/** One origin: what it last said that was good, and what is wrong with it now. */
type Origin = {
  readonly reading: Reading
  readonly candidates: readonly Candidate[]
  readonly rejections: readonly Rejection[]
  readonly error?: SourceError | undefined
}

export type Intake = ReturnType<typeof createIntake>

/**
 * Takes what one source says, entry by entry: the good become candidates, the bad are turned away with a reason while
 * their last good version stays, and what could not be read keeps what it last said, stale.
 *
 * The cost of a sighting grows with the origins that changed; for a change, not even the others are looked at.
 */
export function createIntake({ layer, now = Date.now }: { layer: Layer; now?: () => number }) {
  const origins = new Map<string, Origin>()
  const failing = new Map<string, SourceError>()
  /** Origins that are shown as they were before a restart, and of which nothing has been heard since. */
  const restored = new Set<string>()
  const examinedOf = new WeakMap<Reading, readonly Examined[]>()
  let trust: Trust = { stdio: () => false, questionsShrinks: false }
  let servers = 0
  let rejected = 0
  let held: { removes: number; since: string } | undefined
  let heldLook: number | undefined

  /** The entries still to be looked at, so that the caller can do it in slices before the sighting is accepted. */
  function* unexamined(sighting: Sighting): Generator<() => void> {
    if (sighting.type === 'alive') return
    for (const reading of sighting.readings) {
      if ('error' in reading || examinedOf.has(reading) || origins.get(reading.origin)?.reading === reading) continue
      const examined: Examined[] = []
      for (const entry of reading.entries)
        yield () => void examined.push(examine(entry, reading.origin, layer.name, trust))
      examinedOf.set(reading, examined)
    }
  }

  /**
   * Applies a sighting; the answer says what it changes among the candidates, or that it is held.
   *
   * `look` numbers the look that brought it: what is said twice of one look is no second look. Left out, each is its own.
   */
  function accept(sighting: Sighting, look?: number): { readonly delta: Delta; readonly held: boolean } {
    if (sighting.type === 'alive') return { delta: nothing, held: false }
    for (const step of unexamined(sighting)) step()
    const after = new Map<string, Origin | undefined>()
    for (const reading of sighting.readings)
      after.set(reading.origin, originAfter(after.get(reading.origin) ?? origins.get(reading.origin), reading))
    if (sighting.type === 'change') {
      for (const origin of sighting.gone) after.set(origin, undefined)
      return { delta: replace(after), held: false }
    }
    // Where nothing at all can be read, what is not named may still be there.
    const isBlind = sighting.readings.length > 0 && sighting.readings.every((reading) => 'error' in reading)
    for (const origin of origins.keys()) {
      if (!after.has(origin) && !(isBlind && restored.has(origin))) after.set(origin, undefined)
    }
    if (trust.questionsShrinks && questionable(after, look)) return { delta: nothing, held: true }
    held = undefined
    return { delta: replace(after), held: false }
  }

  /** The whole source failed: everything it said stays, stale. */
  function fail(error: SourceError): Delta {
    const after = new Map<string, Origin>()
    for (const [name, origin] of origins) after.set(name, { ...origin, error, candidates: staled(origin.candidates) })
    return replace(after)
  }

  /** Shows what was kept from before a restart, stale; origins that have been heard of since are left as they are. */
  function restore(readings: readonly Reading[], error: SourceError): Delta {
    for (const step of unexamined({ type: 'picture', readings })) step()
    const after = new Map<string, Origin>()
    for (const reading of readings) {
      const now = origins.get(reading.origin)
      if (now && !(now.error && now.candidates.length === 0)) continue
      const { candidates } = originAfter(undefined, reading)
      after.set(reading.origin, {
        reading: now?.reading ?? reading,
        candidates: staled(candidates),
        rejections: [],
        error: now?.error ?? error,
      })
    }
    const delta = replace(after)
    for (const origin of after.keys()) restored.add(origin)
    return delta
  }

  /** Lets go of what was restored and is still unheard of. */
  function dropRestored(): Delta {
    return replace(new Map([...restored].map((origin) => [origin, undefined])))
  }

  /** What was last good at each origin. */
  function good(): readonly Good[] {
    return [...origins].map(([origin, { candidates }]) => ({ origin, candidates }))
  }

  function clear(): Delta {
    return replace(new Map([...origins.keys()].map((origin) => [origin, undefined])))
  }

  /** The first suspicious shrink is held; a second look that is suspicious too is believed. */
  function questionable(after: ReadonlyMap<string, Origin | undefined>, look: number | undefined): boolean {
    const before = idsOf(origins.values())
    const removes = before.difference(idsOf(after.values())).size
    if (removes < 5 || removes * 2 <= before.size) return false
    if (held && (look === undefined || look !== heldLook)) return false
    held ??= { removes, since: new Date(now()).toISOString() }
    heldLook = look
    return true
  }

  function originAfter(before: Origin | undefined, reading: Reading): Origin {
    if (before?.reading === reading) return before
    if ('error' in reading) {
      return {
        reading,
        candidates: staled(before?.candidates ?? []),
        rejections: before?.rejections ?? [],
        error: reading.error,
      }
    }
    const earlier = Map.groupBy(before?.candidates ?? [], ({ id }) => id)
    const candidates: Candidate[] = []
    const rejections: Rejection[] = []
    for (const examined of examinedOf.get(reading) ?? []) {
      const known = examined.id === undefined ? undefined : earlier.get(examined.id)?.shift()
      if ('definition' in examined) {
        candidates.push(candidateOf(examined, reading, candidates.length, known))
        continue
      }
      const kept = known !== undefined && !examined.barred
      rejections.push({ ...examined.rejection, kept })
      if (kept) candidates.push(...staled([known]))
    }
    return { reading, candidates, rejections }
  }

  function candidateOf(
    { id, definition, entry: { reported, stored } }: Extract<Examined, { definition: unknown }>,
    { origin, rank = 0 }: Reading,
    position: number,
    known: Candidate | undefined,
  ): Candidate {
    const made: Candidate = { id, definition, reported, stored, layer, origin, rank, position, stale: false }
    if (!known || known.stale || known.rank !== rank || known.position !== position) return made
    const same =
      (known.definition === definition || isDeepStrictEqual(known.definition, definition)) &&
      isDeepStrictEqual(known.reported, reported) &&
      known.stored?.resource_version === stored?.resource_version
    return same ? known : made
  }

  /** Puts each named origin in the place of what was there; what is undefined is gone. */
  function replace(after: ReadonlyMap<string, Origin | undefined>): Delta {
    const gone: Candidate[] = []
    const come: Candidate[] = []
    for (const [name, next] of after) {
      const before = origins.get(name)
      if (!next?.error) restored.delete(name)
      if (before === next) continue
      const had = new Set(before?.candidates)
      const has = new Set(next?.candidates)
      for (const candidate of had) if (!has.has(candidate)) gone.push(candidate)
      for (const candidate of has) if (!had.has(candidate)) come.push(candidate)
      count(before, -1)
      count(next, 1)
      if (next) origins.set(name, next)
      else origins.delete(name)
      if (next?.error) failing.set(name, next.error)
      else failing.delete(name)
    }
    return { gone, come }
  }

  function count(origin: Origin | undefined, times: 1 | -1): void {
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
      held,
    }
  }

  /** What fails comes first; of each at most so many, so that asking does not cost more the more there is. */
  function details(most = { origins: 1000, rejections: 100 }) {
    return {
      origins: failingFirst().take(most.origins).map(originStatus).toArray(),
      rejections: rejected === 0 ? [] : allRejections().take(Math.min(rejected, most.rejections)).toArray(),
    }
  }

  function* failingFirst(): Generator<Origin> {
    for (const origin of origins.values()) if (origin.error) yield origin
    for (const origin of origins.values()) if (!origin.error) yield origin
  }

  function* allRejections(): Generator<Rejection> {
    for (const { rejections } of origins.values()) yield* rejections
  }

  return {
    trust: (next: Trust) => void (trust = next),
    unexamined,
    accept,
    fail,
    restore,
    dropRestored,
    good,
    clear,
    summary,
    details,
  }
}

const nothing: Delta = { gone: [], come: [] }

function idsOf(origins: Iterable<Origin | undefined>): Set<ServerId> {
  const ids = new Set<ServerId>()
  for (const origin of origins) for (const { id } of origin?.candidates ?? []) ids.add(id)
  return ids
}

function staled(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.every(({ stale }) => stale)) return candidates
  return candidates.map((candidate) => (candidate.stale ? candidate : { ...candidate, stale: true }))
}

function originStatus({ reading, candidates, error }: Origin): OriginStatus {
  return {
    origin: reading.origin,
    servers: candidates.length,
    stale: error !== undefined,
    ...(error && { error: error.message, error_class: error.class, where: error.where }),
  }
}
