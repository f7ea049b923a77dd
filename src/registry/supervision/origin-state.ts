import { isDeepStrictEqual } from 'node:util'
import type { Reading, SourceError } from '../../model/source.ts'
import type { OriginStatus, Rejection } from '../../model/status.ts'
import type { Candidate, Layer } from '../candidate.ts'
import { validateEntry, type ValidatedEntry, type Trust } from './validate-entry.ts'

/** One origin: what it last said that was good, and what is wrong with it now. */
export type OriginState = {
  readonly reading: Reading
  readonly candidates: readonly Candidate[]
  readonly rejections: readonly Rejection[]
  readonly error?: SourceError | undefined
}

/**
 * What a reading makes of an origin: the good entries become candidates, the same ones where they say the same; the bad are
 * turned away while their last good version stays; and what could not be read keeps what it last said, stale.
 */
export function* nextOriginState(
  before: OriginState | undefined,
  reading: Reading,
  { layer, trust }: { layer: Layer; trust: Trust },
): Generator<void, OriginState> {
  if (before?.reading === reading) return before
  if ('error' in reading) {
    return {
      reading,
      candidates: markStale(before?.candidates ?? []),
      rejections: before?.rejections ?? [],
      error: reading.error,
    }
  }
  const earlier = Map.groupBy(before?.candidates ?? [], ({ id }) => id)
  const candidates: Candidate[] = []
  const rejections: Rejection[] = []
  for (const entry of reading.entries) {
    yield
    const examined = validateEntry(entry, reading.origin, layer.name, trust)
    const known = examined.id === undefined ? undefined : earlier.get(examined.id)?.shift()
    if ('definition' in examined) {
      const place = { layer, origin: reading.origin, rank: reading.rank ?? 0, position: candidates.length }
      candidates.push(candidateOf(examined, place, known))
      continue
    }
    const kept = known !== undefined && !examined.isForbidden
    rejections.push({ ...examined.rejection, kept })
    if (kept) candidates.push(...markStale([known]))
  }
  return { reading, candidates, rejections }
}

function candidateOf(
  { id, definition, entry: { reported, stored } }: Extract<ValidatedEntry, { definition: unknown }>,
  place: Pick<Candidate, 'layer' | 'origin' | 'rank' | 'position'>,
  known: Candidate | undefined,
): Candidate {
  const made: Candidate = { id, definition, reported, stored, ...place, stale: false }
  if (!known || known.stale || known.rank !== place.rank || known.position !== place.position) return made
  const same =
    known.stored?.resource_version === stored?.resource_version &&
    (known.definition === definition || isDeepStrictEqual(known.definition, definition)) &&
    isDeepStrictEqual(known.reported, reported)
  return same ? known : made
}

/** The same, marked as not up to date. */
export function markStale(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.every(({ stale }) => stale)) return candidates
  return candidates.map((candidate) => (candidate.stale ? candidate : { ...candidate, stale: true }))
}

export function toOriginStatus({ reading, candidates, error }: OriginState): OriginStatus {
  return {
    origin: reading.origin,
    servers: candidates.length,
    stale: error !== undefined,
    ...(error && { error: error.message, error_class: error.class, where: error.where }),
  }
}
