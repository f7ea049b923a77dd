import { type EncodedEvents, encodedEvents, pending } from './frames.ts'
import { gzip, isLong } from './gzip.ts'

/**
 * The events of a group for its compressed streams. Streams that end alike share what follows: that is all of them once
 * they have read the same events.
 */
export function createPackedEvents({
  onPacked,
  onError,
}: {
  /** Packing in the background has ended. */
  onPacked: () => void
  onError: (error: unknown) => void
}) {
  const byPlain = new WeakMap<EncodedEvents, Map<Buffer | undefined, EncodedEvents | typeof pending>>()

  /** The packed events; `before` is the text that a stream ends with so far, where they may repeat it. */
  function packed(plain: EncodedEvents, before: Buffer | undefined): EncodedEvents | typeof pending {
    const byText = byPlain.get(plain) ?? new Map<Buffer | undefined, EncodedEvents | typeof pending>()
    byPlain.set(plain, byText)
    const isInBackground = isLong(plain.bytes)
    const cached = byText.get(isInBackground ? undefined : before)
    if (cached) return cached
    if (isInBackground) {
      void packInBackground(plain, byText)
      return pending
    }
    const events = encodedEvents(
      plain.pieces.map((piece, index) => gzip.pack(piece, index === 0 ? before : undefined)),
      plain.revision,
    )
    byText.set(before, events)
    return events
  }

  async function packInBackground(
    { pieces, revision }: EncodedEvents,
    byText: Map<Buffer | undefined, EncodedEvents | typeof pending>,
  ): Promise<void> {
    byText.set(undefined, pending)
    try {
      byText.set(undefined, encodedEvents(await Promise.all(pieces.map(gzip.packInBackground)), revision))
      onPacked()
    } catch (error) {
      byText.delete(undefined)
      onError(error)
    }
  }

  return { packed, isPacking: (plain: EncodedEvents) => byPlain.get(plain)?.get(undefined) === pending }
}
