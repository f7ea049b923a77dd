import { forEachYielding } from '../../flow/cooperative.ts'
import type { ChangeLog } from '../../registry/change-log.ts'
import type { Registry } from '../../registry/registry.ts'
import { eventPieces, type StreamFormat, type Made, message, type Piece, picturePieces, pieceOf } from './frames.ts'
import type { WatchSelection } from './watch-selection.ts'

export type SubscriptionGroup = ReturnType<typeof createSubscriptionGroup>

/** A batch or picture of no more is made on the spot; a longer one in slices. */
const fewAtOnce = 200
/** A picture that took its time is shown while it is no older than this: what has changed since follows it. */
const shownMs = 1000

type Picture = { readonly made: Made | typeof making; readonly at: number; readonly isLong: boolean }

/** Not there yet; `ready` will be called. */
export const making = 'making'
/** What followed is forgotten. */
export const lost = 'lost'

/**
 * Those who watch the same subject: what they are sent is worked out and encoded once, whatever their number.
 */
export function createSubscriptionGroup({
  subject,
  journal,
  registry,
  inTurn,
  ready,
}: {
  subject: WatchSelection
  journal: Pick<ChangeLog, 'after' | 'newest' | 'tokenOf'>
  registry: Pick<Registry, 'revision'>
  /** Runs long work when no other is running, so that many audiences cannot take the event loop together. */
  inTurn: (work: () => Promise<void>) => void
  /** Something that was being made is made. */
  ready: () => void
}) {
  const events = new Map<string, Made | typeof making>()
  let watching = 0
  const pictures = new Map<StreamFormat, Picture>()

  /** What followed `revision`: as many batches as are quickly made, or one long one. */
  function after(revision: number, format: StreamFormat): Made | typeof making | typeof lost {
    const key = `${format} ${revision}`
    const known = events.get(key)
    if (known) return known
    const first = journal.after(revision)
    if (!first) return lost
    if (first.changes.length > fewAtOnce) {
      const pieces = eventPieces(first.changes, { subject, format, token: first.token })
      return inTheBackground(pieces, first.revision, (made) => events.set(key, made))
    }
    const made = joined(revision, format)
    events.set(key, made)
    return made
  }

  function joined(revision: number, format: StreamFormat): Made {
    const pieces: Piece[] = []
    let reached = revision
    let changes = 0
    for (let batch = journal.after(reached); batch; batch = journal.after(reached)) {
      changes += batch.changes.length
      if (changes > fewAtOnce) break
      for (const piece of eventPieces(batch.changes, { subject, format, token: batch.token })) {
        if (piece) pieces.push(piece)
      }
      reached = batch.revision
    }
    return madeOf(pieces.length > 1 ? [pieceOf(pieces.map(({ bytes }) => bytes))] : pieces, reached)
  }

  function inTheBackground(
    pieces: Iterable<Piece | undefined>,
    revision: number,
    keep: (made: Made | typeof making) => void,
  ): typeof making {
    keep(making)
    inTurn(async () => {
      const done: Piece[] = []
      await forEachYielding(pieces, (piece) => void (piece && done.push(piece)))
      keep(madeOf(done, revision))
      ready()
    })
    return making
  }

  /** Everything there is, as events; of this moment, or where it is long and many ask, of a moment ago. */
  function picture(format: StreamFormat, now = performance.now()): Made | typeof making {
    const known = pictures.get(format)
    if (known && isGood(known, now)) return known.made
    const revision = registry.revision()
    const found = subject.picture()
    // A lease may have run out while looking: then what was found is newer than the revision.
    if (registry.revision() !== revision) return picture(format, now)
    const keep = (made: Made | typeof making) =>
      pictures.set(format, { made, at: performance.now(), isLong: found.length > fewAtOnce })
    const pieces = picturePieces(found, { subject, format, token: journal.tokenOf(revision) })
    if (found.length > fewAtOnce) return inTheBackground(pieces, revision, keep)
    const made = madeOf(
      [...pieces].filter((piece) => piece !== undefined),
      revision,
    )
    keep(made)
    return made
  }

  function isGood({ made, at, isLong }: Picture, now: number): boolean {
    if (made === making || made.revision === journal.newest()) return true
    return isLong && now - at < shownMs && journal.after(made.revision) !== undefined
  }

  /** Lets go of what everybody has been sent. */
  function forget(now = performance.now()): void {
    for (const [key, made] of events) if (made !== making) events.delete(key)
    for (const [format, { made, at }] of pictures) if (made !== making && now - at > shownMs) pictures.delete(format)
  }

  return {
    key: subject.key,
    after,
    picture,
    forget,
    resync: (format: StreamFormat, reason: string) => message(format, 'RESYNC', { reason }),
    /** One more, one less of those who watch; how many are left. */
    enter: () => void (watching += 1),
    leave: () => (watching -= 1),
  }
}

function madeOf(pieces: readonly Piece[], revision: number): Made {
  return { pieces, revision, bytes: pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) }
}
