import type { Batch, Change, RegisteredServer } from '../model/change.ts'
import { keptBytesOf } from '../model/data/kept-bytes.ts'
import { parseStateToken, stateToken } from '../model/query/state-token.ts'
import type { Registry } from './registry.ts'

/** Maximum changes of one batch whose size is measured; the others are taken to be like them. */
const maxSampled = 256

/** Why no watch can resume from a token. */
export type ResumeError = { readonly reason: string }

export type ChangeLog = ReturnType<typeof createChangeLog>

/** Holds the newest batches of changes for watches that resume from a token. `maxBytes` caps the estimated size of servers. */
export function createChangeLog({
  registry,
  maxChanges = 50_000,
  maxBytes = 16 * 1024 * 1024,
}: {
  registry: Pick<Registry, 'token' | 'subscribe'>
  maxChanges?: number
  maxBytes?: number
}) {
  const { epoch, revision } = parseStateToken(registry.token()) ?? { epoch: '', revision: 0 }
  let batches: { readonly batch: Batch; readonly bytes: number }[] = []
  /** Index of the oldest batch still held; the emptied ones before it are cut off now and then. */
  let first = 0
  let newest = revision
  let changes = 0
  let bytes = 0
  /** The token of the state before the oldest batch. */
  let oldestToken = registry.token()
  /** The newest revision of each digest among the states that a watch can resume from. */
  const revisions = new Map<string, number>()
  remember(oldestToken, revision)

  function remember(token: string, at: number): void {
    const digest = digestIn(token)
    if (digest !== undefined) revisions.set(digest, at)
  }

  function forget(token: string, at: number): void {
    const digest = digestIn(token)
    if (digest !== undefined && revisions.get(digest) === at) revisions.delete(digest)
  }

  function append(batch: Batch): void {
    const size = estimateBytes(batch.changes)
    if (batch.revision !== newest + 1) clear(batch.revision - 1)
    batches.push({ batch, bytes: size })
    remember(batch.token, batch.revision)
    newest = batch.revision
    changes += batch.changes.length
    bytes += size
    while (first < batches.length && (changes > maxChanges || bytes > maxBytes)) dropOldest()
    if (first > 1000 && first * 2 > batches.length) {
      batches = batches.slice(first)
      first = 0
    }
  }

  /** Revisions are missing, so no token from before the gap can be resumed. */
  function clear(before: number): void {
    batches = []
    first = changes = bytes = 0
    revisions.clear()
    oldestToken = stateToken({ epoch, revision: before, digest: undefined })
  }

  function dropOldest(): void {
    const oldest = batches[first]
    if (!oldest) return
    changes -= oldest.batch.changes.length
    bytes -= oldest.bytes
    forget(oldestToken, oldest.batch.revision - 1)
    oldestToken = oldest.batch.token
    // Emptied in its place: shifting a long array once per change would cost more than the change.
    batches[first] = { batch: { ...oldest.batch, changes: [] }, bytes: 0 }
    first += 1
  }

  /** The lowest revision that a watch can resume from. */
  function oldest(): number {
    return (batches[first]?.batch.revision ?? newest + 1) - 1
  }

  /** The batch that followed a revision; undefined where it was dropped or does not exist yet. */
  function after(revision: number): Batch | undefined {
    if (revision < oldest() || revision >= newest) return undefined
    return batches[first + revision - oldest()]?.batch
  }

  /**
   * The revision of a token, or why no watch can resume from it. A token of another daemon or run counts where this one has been in the
   * same state, and its changes since are still held.
   */
  function revisionOf(token: string): number | ResumeError {
    const parsed = parseStateToken(token)
    if (!parsed) return { reason: 'malformed: not a resume token of a registry' }
    const isOwn = parsed.epoch === epoch
    if (isOwn && parsed.revision <= newest && parsed.revision >= oldest()) return parsed.revision
    const equal = parsed.digest === undefined ? undefined : revisions.get(parsed.digest)
    if (equal !== undefined) return equal
    if (!isOwn)
      return {
        reason: 'epoch: the token is from another run of the registry, in a state that this one has not been in',
      }
    if (parsed.revision > newest) return { reason: 'future: the revision of the token does not exist' }
    return { reason: 'expired: the changes after the token are no longer held' }
  }

  function tokenOf(at: number): string {
    if (at === oldest()) return oldestToken
    return batches[first + at - oldest() - 1]?.batch.token ?? stateToken({ epoch, revision: at, digest: undefined })
  }

  const unsubscribe = registry.subscribe(append)

  return {
    after,
    revisionOf,
    tokenOf,
    oldest,
    newest: () => newest,
    counts: () => ({ changes, bytes, batches: batches.length - first }),
    close: unsubscribe,
  }
}

function digestIn(token: string): string | undefined {
  return parseStateToken(token)?.digest
}

/** Size of a change without its servers. */
const changeBytes = 200

/**
 * The approximate size of changes in memory; of many changes, a sample is measured. Counted is the server that each replaced or
 * removed: the registry holds the others, or they are counted with the change that replaced them.
 */
function estimateBytes(changes: readonly Change[]): number {
  const step = Math.ceil(changes.length / maxSampled)
  let [bytes, sampled] = [0, 0]
  for (let at = 0; at < changes.length; at += step) {
    bytes += changeBytes + serverBytes(changes[at]?.before)
    sampled += 1
  }
  return sampled === 0 ? 0 : (bytes / sampled) * changes.length
}

/** Sizes of the parts of servers that most versions share. */
const sharedPartBytes = new WeakMap<object, number>()

/** The approximate size of a server: half of the estimate, which counts its encoded form too. */
function serverBytes(registered: RegisteredServer | undefined): number {
  if (!registered) return 0
  const { capabilities, annotations, metadata, ...rest } = registered.server
  return (keptBytesOf(rest) + sharedBytes(capabilities) + sharedBytes(annotations) + sharedBytes(metadata)) / 2
}

function sharedBytes(part: object): number {
  let bytes = sharedPartBytes.get(part)
  if (bytes === undefined) sharedPartBytes.set(part, (bytes = keptBytesOf(part)))
  return bytes
}
