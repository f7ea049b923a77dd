import { SourceError } from '../../model/source.ts'

/** The next sighting, or an error when none came in time. */
export async function withWatchdog<T>(next: Promise<T>, ms: number): Promise<T> {
  const timer = Promise.withResolvers<never>()
  const tooLate = () => timer.reject(new SourceError(`said nothing for ${ms / 1000} s and was restarted`))
  const clock = setTimeout(tooLate, ms).unref() // a source left behind holds nobody up
  next.catch(() => {}) // whoever loses the race must not reject unheard
  try {
    return await Promise.race([next, timer.promise])
  } finally {
    clearTimeout(clock)
  }
}
