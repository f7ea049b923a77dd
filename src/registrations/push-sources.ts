import type { Sighting, Source, SourceRun } from '../model/source.ts'

/** Interval of signs of life while the registrations load, in ms. */
const loadingPulseMs = 5000

/** Interval of signs of life while nothing changes, in ms. */
const idlePulseMs = 30_000

/** A set of registrations whose changes a source passes on. */
type Publisher = {
  /** Sends changes to `push` from now on; returns the picture of all registrations. */
  readonly attach: (push: (sighting: Sighting) => void) => Sighting
  readonly detach: (push: (sighting: Sighting) => void) => void
}

/** Turns sets of registrations into sources: a picture once they are loaded, then each change when it is made. */
export function createPushSources({
  loaded,
  isLoaded,
  note,
}: {
  /** Settles once the registrations are loaded, or never will be. */
  loaded: Promise<void>
  isLoaded: () => boolean
  /** A remark on the store for `/sources`. */
  note: () => string | undefined
}) {
  /** By publisher whose picture the registry has taken: the push of that run. */
  const published = new Map<Publisher, (sighting: Sighting) => void>()

  function sourceOf(publisher: Publisher): Source {
    return async function* (run: SourceRun): AsyncGenerator<Sighting> {
      while (!isLoaded()) {
        await Promise.race([loaded.catch(() => {}), run.wake.wait(loadingPulseMs)])
        if (run.signal.aborted) return
        if (!isLoaded()) yield { type: 'alive', note: 'waiting for the store' }
      }
      run.wake.take()
      const waiting: Sighting[] = []
      let isPictureTaken = false
      const push = (sighting: Sighting) => (isPictureTaken ? run.push(sighting) : void waiting.push(sighting))
      try {
        yield publisher.attach(push)
        // The registry takes the picture in chunks. Changes made meanwhile are newer and must follow it.
        isPictureTaken = true
        for (const sighting of waiting) run.push(sighting)
        published.set(publisher, push)
        for (;;) {
          await run.wake.wait(idlePulseMs)
          if (run.signal.aborted) return
          run.wake.take()
          const remark = note()
          yield { type: 'alive', ...(remark !== undefined && { note: remark }) }
        }
      } finally {
        publisher.detach(push)
        // A run that ends late must not withdraw its successor's picture.
        if (published.get(publisher) === push) published.delete(publisher)
      }
    }
  }

  return { sourceOf, isPublished: (publisher: Publisher) => published.has(publisher) }
}
