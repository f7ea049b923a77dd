import { isDeepStrictEqual } from 'node:util'
import type { Reading, SourceError } from '../../model/source.ts'
import type { OriginStatus, Rejection } from '../../model/status.ts'
import type { Candidate, Layer } from '../candidate.ts'
import { type Trust, type ValidatedEntry, validateEntry } from './validate-entry.ts'

/** One origin: its last good candidates, and what is wrong with it now. */
export type OriginState = {
  readonly reading: Reading
  readonly candidates: readonly Candidate[]
  readonly rejections: readonly Rejection[]
  readonly error?: SourceError | undefined
}

/**
 * The state of an origin after a reading. Good entries become candidates, the same objects where nothing changed. Bad
 * entries are rejected, and their last good versions stay. A failed reading keeps every candidate. What is kept is stale.
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
  const previous = Map.groupBy(before?.candidates ?? [], ({ id }) => id)
  const candidates: Candidate[] = []
  const rejections: Rejection[] = []
  for (const entry of reading.entries) {
    yield
    const validated = validateEntry(entry, reading.origin, layer.name, trust)
    const last = validated.id === undefined ? undefined : previous.get(validated.id)?.shift()
    if ('definition' in validated) {
      const place = { layer, origin: reading.origin, rank: reading.rank ?? 0, position: candidates.length }
      candidates.push(candidateFrom(validated, place, last))
      continue
    }
    const kept = last !== undefined && !validated.isForbidden
    rejections.push({ ...validated.rejection, kept })
    if (kept) candidates.push(...markStale([last]))
  }
  // Exact lists: most origins have one entry, and there are thousands of them.
  return { reading, candidates: candidates.slice(), rejections: rejections.length > 0 ? rejections : none }
}

const none: readonly Rejection[] = []

function candidateFrom(
  { id, definition, entry: { reported, stored, where } }: Extract<ValidatedEntry, { definition: unknown }>,
  place: Pick<Candidate, 'layer' | 'origin' | 'rank' | 'position'>,
  last: Candidate | undefined,
): Candidate {
  const candidate: Candidate = { id, definition, reported, stored, ...place, where, stale: false }
  if (!last || last.stale || last.rank !== place.rank || last.position !== place.position) return candidate
  const isSame =
    last.stored?.resource_version === stored?.resource_version &&
    (last.definition === definition || isDeepStrictEqual(last.definition, definition)) &&
    isDeepStrictEqual(last.reported, reported)
  if (!isSame) return candidate
  // No revision for a server that only moved within its file.
  last.where = where
  return last
}

/** The candidates marked as stale; the same array where all are already. */
export function markStale(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.every(({ stale }) => stale)) return candidates
  return candidates.map((candidate) => (candidate.stale ? candidate : { ...candidate, where: undefined, stale: true }))
}

export function toOriginStatus({ reading, candidates, error }: OriginState): OriginStatus {
  const { origin } = reading
  const status = { origin, servers: candidates.length, stale: error !== undefined }
  if (!error) return status
  const { message, class: kind, where, excerpt } = error
  return { ...status, error: message, error_class: kind, where, ...(excerpt !== undefined && { excerpt }) }
}
