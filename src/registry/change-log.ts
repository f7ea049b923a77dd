import type { Batch, Change, RegisteredServer } from '../model/change.ts'
import type { Registry } from './registry.ts'

const maxSampled = 256

/** Why a token is no place to go on from. */
export type ResumeError = { readonly reason: string }

export type ChangeLog = ReturnType<typeof createChangeLog>

/**
 * The last batches of changes, for whoever goes on from a token: so many changes, and about so many bytes of servers, as
 * it may hold.
 */
export function createChangeLog({
  registry,
  maxChanges: mostChanges = 50_000,
  maxBytes: mostBytes = 16 * 1024 * 1024,
}: {
  registry: Pick<Registry, 'token' | 'subscribe'>
  maxChanges?: number
  maxBytes?: number
}) {
  const { epoch, revision } = parsed(registry.token()) ?? { epoch: '', revision: 0 }
  let batches: { readonly batch: Batch; readonly bytes: number }[] = []
  /** Index of the oldest batch still held; those before it are dropped now and then. */
  let first = 0
  let newest = revision
  let changes = 0
  let bytes = 0

  function note(batch: Batch): void {
    const weight = weightOf(batch.changes)
    if (batch.revision !== newest + 1) forget()
    batches.push({ batch, bytes: weight })
    newest = batch.revision
    changes += batch.changes.length
    bytes += weight
    while (first < batches.length && (changes > mostChanges || bytes > mostBytes)) dropOldest()
    if (first > 1000 && first * 2 > batches.length) {
      batches = batches.slice(first)
      first = 0
    }
  }

  /** Out of turn: what lies between was not seen, so nobody may go on from before. */
  function forget(): void {
    batches = []
    first = changes = bytes = 0
  }

  function dropOldest(): void {
    const oldest = batches[first]
    if (!oldest) return
    changes -= oldest.batch.changes.length
    bytes -= oldest.bytes
    // A hole, not a shift: shifting a long array once per change would cost more than the change.
    batches[first] = { batch: { ...oldest.batch, changes: [] }, bytes: 0 }
    first += 1
  }

  /** The revision from which everything that followed is still known. */
  function oldest(): number {
    return (batches[first]?.batch.revision ?? newest + 1) - 1
  }

  /** The batch that followed a revision; undefined where it is forgotten, or has not happened. */
  function after(revision: number): Batch | undefined {
    if (revision < oldest() || revision >= newest) return undefined
    return batches[first + revision - oldest()]?.batch
  }

  /** The revision a token stands for, or why there is no going on from it. */
  function revisionOf(token: string): number | ResumeError {
    const place = parsed(token)
    if (!place) return { reason: 'malformed: the token is none that a registry gave' }
    if (place.epoch !== epoch) return { reason: 'epoch: the token is of another life of the registry' }
    if (place.revision > newest) return { reason: 'future: the token is of a revision that has not been' }
    if (place.revision < oldest()) return { reason: 'expired: what followed the token is forgotten' }
    return place.revision
  }

  const leave = registry.subscribe(note)

  return {
    after,
    revisionOf,
    tokenOf: (revision: number) => `${epoch}-${revision}`,
    oldest,
    newest: () => newest,
    counts: () => ({ changes, bytes, batches: batches.length - first }),
    close: leave,
  }
}

function parsed(token: string): { readonly epoch: string; readonly revision: number } | undefined {
  const match = /^([A-Za-z0-9]{1,64})-(\d{1,15})$/.exec(token)
  return match ? { epoch: match[1] ?? '', revision: Number(match[2]) } : undefined
}

/** What changes weigh, near enough: of many, some are weighed for all. */
function weightOf(changes: readonly Change[]): number {
  const step = Math.ceil(changes.length / maxSampled)
  let [weight, weighed] = [0, 0]
  for (let at = 0; at < changes.length; at += step) {
    weight += roughBytes(changes[at]?.now) + roughBytes(changes[at]?.before)
    weighed += 1
  }
  return weighed === 0 ? 0 : (weight / weighed) * changes.length
}

/** What a server weighs, near enough: most of it is text and capabilities. */
function roughBytes(registered: RegisteredServer | undefined): number {
  if (!registered) return 0
  const { description, capabilities, tags, annotations } = registered.server
  let weight = 1500 + (description?.length ?? 0) + 300 * capabilities.length + 20 * tags.length
  for (const _ in annotations) weight += 100
  return weight
}
