import { freeBytes } from '../../flow/bytes/free-bytes.ts'
import { forEachYielding, runCooperatively } from '../../flow/cooperative.ts'
import type { ChangeLog } from '../../registry/change-log.ts'
import type { Registry } from '../../registry/registry.ts'
import {
  controlMessage,
  encodeChanges,
  type EncodedEvents,
  encodedEvents,
  encodeSnapshot,
  pending,
  type StreamForm,
  type StreamFormat,
} from './pieces/frames.ts'
import { gzip, isLong as isLongToPack, type StreamEncoding } from './pieces/gzip.ts'
import { createPackedEvents } from './pieces/packed-events.ts'
import { type Piece, pieceOf } from './pieces/piece.ts'
import type { WatchSelection } from './watch-selection.ts'

export type SubscriptionGroup = ReturnType<typeof createSubscriptionGroup>

/** Maximum changes or resources that are encoded at once; more are encoded in the background. */
const maxEncodedAtOnce = 200
/** Age up to which a snapshot encoded in the background is sent to further watchers; the changes since then follow it. */
const maxSnapshotAgeMs = 1000

/** The change log no longer holds the changes. */
export const expired = 'expired'

type CachedSnapshot = {
  readonly encoded: EncodedEvents | typeof pending
  readonly at: number
  readonly isLong: boolean
}

/** The watchers of one selection. Events and snapshots are encoded once for all of them. */
export function createSubscriptionGroup({
  selection,
  changeLog,
  registry,
  runSerially,
  onEncoded,
  onError,
}: {
  selection: WatchSelection
  changeLog: Pick<ChangeLog, 'after' | 'newest' | 'tokenOf'>
  registry: Pick<Registry, 'revision' | 'size'>
  /** Runs long work after the long work of other groups, so that many groups do not block the event loop together. */
  runSerially: (work: () => Promise<void>) => void
  /** Background encoding has ended. */
  onEncoded: () => void
  onError: (error: unknown) => void
}) {
  const events = new Map<string, EncodedEvents | typeof pending>()
  const snapshots = new Map<string, CachedSnapshot>()
  const packedEvents = createPackedEvents({ onPacked: onEncoded, onError })
  let watchers = 0

  /** The events after `revision`: several short batches, or one long one. `lastText` ends a compressed stream so far. */
  function after(
    revision: number,
    { format, encoding }: StreamForm,
    lastText?: Buffer,
  ): EncodedEvents | typeof pending | typeof expired {
    const plain = plainAfter(revision, format)
    return encoding && typeof plain === 'object' ? packedEvents.packed(plain, lastText) : plain
  }

  function plainAfter(revision: number, format: StreamFormat): EncodedEvents | typeof pending | typeof expired {
    const key = `${format} ${revision}`
    const cached = events.get(key)
    if (cached) return cached
    const first = changeLog.after(revision)
    if (!first) return expired
    if (first.changes.length > maxEncodedAtOnce) {
      const pieces = encodeChanges(first.changes, { selection, format, token: first.token })
      return encodeInBackground(pieces, first.revision, (encoded) => events.set(key, encoded))
    }
    const encoded = encodeShortBatches(revision, format)
    events.set(key, encoded)
    return encoded
  }

  function encodeShortBatches(revision: number, format: StreamFormat): EncodedEvents {
    const pieces: Piece[] = []
    let reached = revision
    let changes = 0
    for (let batch = changeLog.after(reached); batch; batch = changeLog.after(reached)) {
      changes += batch.changes.length
      if (changes > maxEncodedAtOnce) break
      for (const piece of encodeChanges(batch.changes, { selection, format, token: batch.token })) {
        if (piece) pieces.push(piece)
      }
      reached = batch.revision
    }
    return encodedEvents(pieces.length > 1 ? [pieceOf(pieces.map(({ bytes }) => bytes))] : pieces, reached)
  }

  function encodeInBackground(
    pieces: Iterable<Piece | undefined>,
    revision: number,
    store: (encoded: EncodedEvents | typeof pending) => void,
    encoding: StreamEncoding | null = null,
  ): typeof pending {
    store(pending)
    runSerially(async () => {
      const plain = await collect(pieces)
      store(encodedEvents(encoding ? await packedInTurn(plain) : plain, revision))
      onEncoded()
    })
    return pending
  }

  /** Every resource of the selection as events: as of now, or a recent long snapshot. */
  function snapshot(form: StreamForm, now = performance.now()): EncodedEvents | typeof pending {
    const cached = snapshots.get(keyOf(form))
    if (cached && isCurrent(cached, now)) return watchers === 1 ? own(form, cached.encoded) : cached.encoded
    if (registry.size() > maxEncodedAtOnce) return snapshotInBackground(form)
    const { resources, revision } = select()
    const pieces = encodeSnapshot(resources, frameOf(form, revision))
    if (resources.length > maxEncodedAtOnce) return encodeInBackground(pieces, revision, storeLong(form), form.encoding)
    const plain = encodedEvents(
      [...pieces].filter((piece) => piece !== undefined),
      revision,
    )
    if (form.encoding && isLongToPack(plain.bytes))
      return encodeInBackground(plain.pieces, revision, storeLong(form), form.encoding)
    const encoded = form.encoding ? packedEvents.packed(plain, undefined) : plain
    snapshots.set(keyOf(form), { encoded, at: performance.now(), isLong: false })
    return encoded
  }

  function frameOf({ format }: StreamForm, revision: number) {
    return { selection, format, token: changeLog.tokenOf(revision) }
  }

  function storeLong(form: StreamForm) {
    return (encoded: EncodedEvents | typeof pending) =>
      void snapshots.set(keyOf(form), { encoded, at: performance.now(), isLong: true })
  }

  /**
   * Gives a long snapshot to the only watcher of the group. As garbage it would wait for a full collection, with those of a
   * hundred other selections.
   */
  function own(form: StreamForm, encoded: CachedSnapshot['encoded']): CachedSnapshot['encoded'] {
    if (encoded === pending) return pending
    snapshots.delete(keyOf(form))
    return { ...encoded, isOwned: true }
  }

  /** Selects and encodes in slices: many selections at once are a millisecond each for a thousand servers. */
  function snapshotInBackground(form: StreamForm): typeof pending {
    const store = storeLong(form)
    store(pending)
    runSerially(async () => {
      const { resources, revision } = await runCooperatively(selecting())
      const plain = await collect(encodeSnapshot(resources, frameOf(form, revision)))
      store(encodedEvents(form.encoding ? await packedInTurn(plain) : plain, revision))
      onEncoded()
    })
    return pending
  }

  function* selecting() {
    yield
    return select()
  }

  function select() {
    for (;;) {
      const revision = registry.revision()
      const resources = selection.snapshot()
      // Reading may expire a lease; then the resources are newer than the revision.
      if (registry.revision() === revision) return { resources, revision }
    }
  }

  function isCurrent({ encoded, at, isLong }: CachedSnapshot, now: number): boolean {
    if (encoded === pending || encoded.revision === changeLog.newest()) return true
    return isLong && now - at < maxSnapshotAgeMs && changeLog.after(encoded.revision) !== undefined
  }

  /** Drops encoded events, which every watcher has received, and old snapshots. */
  function evict(now = performance.now()): void {
    for (const [key, encoded] of events) if (encoded !== pending && !packedEvents.isPacking(encoded)) events.delete(key)
    for (const [key, { encoded, at }] of snapshots)
      if (encoded !== pending && now - at > maxSnapshotAgeMs) snapshots.delete(key)
  }

  return {
    key: selection.key,
    after,
    snapshot,
    evict,
    resync: (form: StreamForm, reason: string) => controlMessage(form, 'RESYNC', { reason }),
    join: () => void (watchers += 1),
    /** Returns the number of watchers left. */
    leave: () => (watchers -= 1),
  }
}

const keyOf = ({ format, encoding }: StreamForm): string => `${format} ${encoding ?? ''}`

async function collect(pieces: Iterable<Piece | undefined>): Promise<readonly Piece[]> {
  const done: Piece[] = []
  await forEachYielding(pieces, (piece) => void (piece && done.push(piece)))
  return done
}

/** Packs pieces that nothing else sends, and frees each once it is packed. */
async function packedInTurn(pieces: readonly Piece[]): Promise<readonly Piece[]> {
  const packed: Piece[] = []
  for (const piece of pieces) {
    packed.push(await gzip.packInBackground(piece))
    if (isLongToPack(piece.bytes.length)) freeBytes(piece.chunk)
  }
  return packed
}
