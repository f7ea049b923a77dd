import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import type { ServerId } from '../model/names.ts'
import { serverId } from '../model/names.ts'
import { ServerDefinition } from '../model/server.ts'
import type { Entry, Reading, Sighting, SourceError } from '../model/source.ts'
import type { OriginStatus, Rejection } from '../model/status.ts'
import type { Candidate, Delta, Layer } from './candidate.ts'

/** One origin: what it last said that was good, and what is wrong with it now. */
type Origin = {
  readonly reading: Reading
  readonly candidates: readonly Candidate[]
  readonly rejections: readonly Rejection[]
  readonly error?: SourceError | undefined
}

/** An entry once it was looked at: a definition, or a reason. */
type Examined =
  | { readonly entry: Extract<Entry, { value: unknown }>; readonly id: ServerId; readonly definition: ServerDefinition }
  | { readonly rejection: Omit<Rejection, 'kept'>; readonly id: ServerId | undefined; readonly barred?: true }

export type Trust = {
  /** Whether an entry of this namespace may be a command that clients start. */
  readonly stdio: (namespace: string) => boolean
  /** Whether a sudden shrink waits for a second look (promise 7 of the design). */
  readonly questionsShrinks: boolean
}

export type Intake = ReturnType<typeof createIntake>

/**
 * Takes what one source says, entry by entry: the good become candidates, the bad are turned away with a reason while
 * their last good version stays, and what could not be read keeps what it last said, stale.
 */
export function createIntake({ layer, now = Date.now }: { layer: Layer; now?: () => number }) {
  let origins = new Map<string, Origin>()
  let held: { removes: number; since: string } | undefined
  let trust: Trust = { stdio: () => false, questionsShrinks: false }
  const examinedOf = new WeakMap<Reading, readonly Examined[]>()

  function examineEntry(origin: string, entry: Entry): Examined {
    if ('problem' in entry) {
      const { problem, name, namespace = 'default', where } = entry
      return {
        rejection: { origin, where, name, reason: problem },
        id: name === undefined ? undefined : serverId(namespace, name),
      }
    }
    const parsed = ServerDefinition.safeParse(entry.value)
    if (!parsed.success) {
      return {
        rejection: { origin, where: entry.where, name: nameIn(entry.value), reason: reasonIn(parsed.error) },
        id: idIn(entry.value),
      }
    }
    const { namespace, name, command } = parsed.data
    const id = serverId(namespace, name)
    if (command !== undefined && !trust.stdio(namespace)) {
      const reason = `the source ${layer.name} may not introduce commands; set allow_stdio: true on it if you trust whoever writes there`
      return { rejection: { origin, where: entry.where, name, reason }, id, barred: true }
    }
    return { entry, id, definition: parsed.data }
  }

  /** The entries still to be looked at, so that the caller can do it in slices before the sighting is accepted. */
  function* unexamined(sighting: Sighting): Generator<() => void> {
    if (sighting.type === 'alive') return
    for (const reading of sighting.readings) {
      if ('error' in reading || examinedOf.has(reading) || origins.get(reading.origin)?.reading === reading) continue
      const examined: Examined[] = []
      for (const entry of reading.entries) yield () => void examined.push(examineEntry(reading.origin, entry))
      examinedOf.set(reading, examined)
    }
  }

  /** Applies a sighting; the answer says what it changes among the candidates, or that it is held. */
  function accept(sighting: Sighting): { readonly delta: Delta; readonly held: boolean } {
    if (sighting.type === 'alive') return { delta: nothing, held: false }
    for (const step of unexamined(sighting)) step()
    const next = sighting.type === 'picture' ? new Map<string, Origin>() : new Map(origins)
    for (const reading of sighting.readings) next.set(reading.origin, originAfter(origins.get(reading.origin), reading))
    if (sighting.type === 'change') for (const gone of sighting.gone) next.delete(gone)
    if (sighting.type === 'picture' && trust.questionsShrinks && questionable(next))
      return { delta: nothing, held: true }
    if (sighting.type === 'picture') held = undefined
    return { delta: replace(next), held: false }
  }

  /** The whole source failed: everything it said stays, stale. */
  function fail(error: SourceError): Delta {
    const next = new Map<string, Origin>()
    for (const [name, origin] of origins) next.set(name, { ...origin, error, candidates: staled(origin.candidates) })
    return replace(next)
  }

  /** The first suspicious shrink is held; a second look that is suspicious too is believed. */
  function questionable(next: ReadonlyMap<string, Origin>): boolean {
    const before = idsOf(origins.values())
    const after = idsOf(next.values())
    const removes = before.difference(after).size
    if (removes < 5 || removes * 2 <= before.size || held) return false
    held = { removes, since: new Date(now()).toISOString() }
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
      // What is not trusted (any more) is not kept either.
      const kept = known !== undefined && !examined.barred
      rejections.push({ ...examined.rejection, kept })
      if (kept) candidates.push(...staled([known]))
    }
    return { reading, candidates, rejections }
  }

  function candidateOf(
    { id, definition, entry }: Extract<Examined, { definition: unknown }>,
    { origin, rank = 0 }: Reading,
    position: number,
    known: Candidate | undefined,
  ): Candidate {
    const { reported, stored } = entry
    const made: Candidate = { id, definition, reported, stored, layer, origin, rank, position, stale: false }
    if (!known || known.stale || known.rank !== rank || known.position !== position) return made
    const same =
      isDeepStrictEqual(known.definition, definition) &&
      isDeepStrictEqual(known.reported, reported) &&
      known.stored?.resource_version === stored?.resource_version
    return same ? known : made
  }

  function replace(next: Map<string, Origin>): Delta {
    const gone: Candidate[] = []
    const come: Candidate[] = []
    for (const [name, { candidates }] of origins) {
      const after = next.get(name)?.candidates
      if (after === candidates) continue
      const kept = new Set(after)
      for (const candidate of candidates) if (!kept.has(candidate)) gone.push(candidate)
    }
    for (const [name, { candidates }] of next) {
      const before = origins.get(name)?.candidates
      if (before === candidates) continue
      const had = new Set(before)
      for (const candidate of candidates) if (!had.has(candidate)) come.push(candidate)
    }
    origins = next
    return { gone, come }
  }

  function status() {
    const list = [...origins.values()]
    const failing = list.filter(({ error }) => error).length
    return {
      origins: list.map(originStatus),
      rejections: list.flatMap(({ rejections }) => rejections),
      servers: list.reduce((sum, { candidates }) => sum + candidates.length, 0),
      failing,
      total: list.length,
      held,
    }
  }

  return {
    trust: (next: Trust) => void (trust = next),
    unexamined,
    accept,
    fail,
    status,
    clear: () => replace(new Map()),
  }
}

const nothing: Delta = { gone: [], come: [] }

function idsOf(origins: Iterable<Origin>): Set<ServerId> {
  const ids = new Set<ServerId>()
  for (const { candidates } of origins) for (const { id } of candidates) ids.add(id)
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

function nameIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined
  return typeof value.name === 'string' ? value.name.slice(0, 253) : undefined
}

function idIn(value: unknown): ServerId | undefined {
  const name = nameIn(value)
  if (name === undefined) return undefined
  const namespace = typeof value === 'object' && value !== null && 'namespace' in value ? value.namespace : undefined
  return serverId(typeof namespace === 'string' ? namespace : 'default', name)
}

/** One line that names each field and what is wrong with it; never the value, which may be a secret. */
function reasonIn(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
}
