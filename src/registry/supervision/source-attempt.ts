import { type Sighting, type Source, SourceError, type WakeSignal } from '../../model/source.ts'

/** A wake signal whose waiters can be released early, when the attempt that they belong to ends. */
export type AttemptWake = WakeSignal & { readonly wait: (ms?: number, until?: AbortSignal) => Promise<void> }

/**
 * Runs a source once, until it ends or `stop` aborts; throws what the source throws. A source without a sighting for
 * `maxSilenceMs` is cut off. `accept` is awaited before the next sighting is read; `push` applies one at once.
 */
export async function runAttempt({
  source,
  stop,
  wake,
  maxSilenceMs,
  accept,
  push,
}: {
  source: Source
  stop: AbortSignal
  wake: AttemptWake
  maxSilenceMs: number
  accept: (sighting: Sighting) => Promise<void>
  push: (sighting: Sighting) => void
}): Promise<void> {
  const cut = new AbortController()
  const signal = AbortSignal.any([stop, cut.signal])
  const run = {
    signal,
    wake: { ...wake, wait: (ms?: number) => wake.wait(ms, signal) },
    push: (sighting: Sighting) => {
      if (!signal.aborted) push(sighting)
    },
  }
  const sightings = source(run)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await withWatchdog(sightings.next(), maxSilenceMs)
      if (next.done) return
      await accept(next.value)
    }
  } finally {
    cut.abort()
    sightings.return?.(undefined).catch(() => {}) // the source is cut off: errors of its cleanup do not matter
  }
}

/** The next sighting; rejects when there is none within `ms`. */
async function withWatchdog<T>(next: Promise<T>, ms: number): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const expire = () => timeout.reject(new SourceError(`no sighting for ${ms / 1000} s; the source was restarted`))
  const timer = setTimeout(expire, ms).unref() // a source left behind must not keep the process alive
  next.catch(() => {}) // a late rejection must not be unhandled
  try {
    return await Promise.race([next, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}
