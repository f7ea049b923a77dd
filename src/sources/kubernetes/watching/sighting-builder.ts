import type { Reading, Sighting, SourceError } from '../../../model/source.ts'
import { isPermanent, KubeApiError } from '../connection/kube-api-error.ts'
import type { ReadingBuilder } from './reading-builder.ts'
import type { Reflectors, ResourceKind, ScopedReflector } from './reflectors.ts'

/** Age of a failure after which the objects of a reflector are reported as failing. */
const staleAfterMs = 300_000

const kindOfPrefix: Readonly<Record<string, ResourceKind>> = { service: 'services', configmap: 'configmaps' }

/** EndpointSlices are optional: they only add the health of Services. */
const isRequired = ({ kind }: ScopedReflector) => kind !== 'endpointslices'

/** The origin of rejected credentials, beside watches that still go on. */
const credentialsOrigin = 'api-server'

const watchOrigin = ({ kind, namespace }: Pick<ScopedReflector, 'kind' | 'namespace'>) =>
  `watch/${kind}${namespace === undefined ? '' : `/${namespace}`}`

/**
 * Decides what the source yields: a picture once everything was listed, otherwise the changes since the last sighting.
 *
 * A failing reflector appears as an origin of its own. Its objects keep their readings, and fail only if access was revoked
 * or the failure lasts for minutes.
 */
export function createSightingBuilder({
  reflectors,
  readings,
}: {
  reflectors: Reflectors
  readings: ReadingBuilder['readings']
}) {
  const yielded = new Map<string, Reading>()
  const changedOrigins = new Set<string>()
  const failures = new Map<string, Reading>()
  /** Readings of the own namespace where not all may be listed, by origin; always the same objects. */
  const fallbackReadings = new Map<string, Reading>()
  let credentialsError: SourceError | undefined
  let isPictureDue = true
  let yieldedNote: string | undefined

  const fallbackOf = ({ kind, namespace }: ScopedReflector) => {
    const fallback = namespace === undefined ? reflectors.fallbacks.get(kind) : undefined
    return fallback?.reflector.isListed() && !fallback.reflector.error() ? fallback : undefined
  }

  const hasAnswered = (scoped: ScopedReflector) =>
    scoped.reflector.isListed() || scoped.reflector.error() || fallbackOf(scoped)

  /** The error reading of an origin; the same object for the same failure. */
  function failureReading(origin: string, error: SourceError): Reading {
    const before = failures.get(origin)
    if (before && 'error' in before && before.error.message === error.message) return before
    const reading = { origin, error }
    failures.set(origin, reading)
    return reading
  }

  function staleness(origin: string): SourceError | undefined {
    const [prefix = '', namespace = ''] = origin.split('/', 2)
    const kind = kindOfPrefix[prefix]
    const reflector = kind && reflectors.reflectorFor(kind, namespace)?.reflector
    const error = reflector?.error()
    if (!reflector || !error) return undefined
    const isStale = reflector.isRevoked() || performance.now() - reflector.failingSince() > staleAfterMs
    return isStale ? error : undefined
  }

  function currentReading(origin: string): Reading | undefined {
    const reading = readings.get(origin)
    const error = reading && staleness(origin)
    if (error) return failureReading(origin, error)
    if (reading) return reading
    if (origin === credentialsOrigin) return credentialsError && failureReading(origin, credentialsError)
    return watchReading(origin)
  }

  /** The failure of a reflector. Where only the own namespace may be read, it names that, beside the reading of that one. */
  function watchReading(origin: string): Reading | undefined {
    const scoped = reflectors.configured.find((one) => isRequired(one) && watchOrigin(one) === origin)
    const error = scoped?.reflector.error()
    if (!scoped || !error) return isFallback(origin) ? emptyReading(origin) : undefined
    const fallback = fallbackOf(scoped)
    return failureReading(origin, fallback ? partialAccess(error, fallback.namespace) : error)
  }

  const isFallback = (origin: string) =>
    reflectors.configured.some((one) => {
      const fallback = isRequired(one) ? fallbackOf(one) : undefined
      return fallback !== undefined && watchOrigin(fallback) === origin
    })

  function emptyReading(origin: string): Reading {
    const reading = fallbackReadings.get(origin) ?? { origin, entries: [] }
    fallbackReadings.set(origin, reading)
    return reading
  }

  /** Marks all origins of a reflector whose failure began, changed or ended. */
  function markReflectorChanged(scoped: Pick<ScopedReflector, 'kind' | 'namespace'>): void {
    changedOrigins.add(watchOrigin(scoped))
    for (const origin of readings.keys()) {
      const [prefix = '', namespace] = origin.split('/', 2)
      if (kindOfPrefix[prefix] === scoped.kind && (scoped.namespace === undefined || scoped.namespace === namespace))
        changedOrigins.add(origin)
    }
  }

  function currentNote(): string | undefined {
    const notes = reflectors.configured.flatMap((scoped) => {
      const error = scoped.reflector.error()
      if (!error) return []
      if (isRequired(scoped) || !isPermanent(error)) return []
      const fallback = fallbackOf(scoped)
      return [fallback ? partialAccess(error, fallback.namespace).message : `endpoints unknown: ${error.message}`]
    })
    const all = [...reflectors.configured, ...reflectors.fallbacks.values()]
    const unreadable = all.reduce((sum, { reflector }) => sum + reflector.unreadable(), 0)
    if (unreadable > 0) notes.push(`${unreadable} unreadable objects`)
    const failing = reflectors.configured.find(
      (scoped) => isRequired(scoped) && scoped.reflector.error() && !fallbackOf(scoped),
    )
    if (failing) notes.push(`not connected: ${failing.reflector.error()?.message}`)
    return notes.length > 0 ? notes.join('; ') : undefined
  }

  function buildPicture(): Sighting {
    const watched = [...reflectors.configured, ...reflectors.fallbacks.values()].map(watchOrigin)
    const origins = new Set([...readings.keys(), ...watched, credentialsOrigin])
    isPictureDue = false
    changedOrigins.clear()
    yielded.clear()
    for (const origin of origins) {
      const reading = currentReading(origin)
      if (reading) yielded.set(origin, reading)
    }
    return { type: 'picture', readings: [...yielded.values()] }
  }

  function buildChange(): Sighting | undefined {
    const changes: Reading[] = []
    const gone: string[] = []
    for (const origin of changedOrigins) {
      const reading = currentReading(origin)
      if (reading === yielded.get(origin)) continue
      if (reading) {
        changes.push(reading)
        yielded.set(origin, reading)
      } else {
        gone.push(origin)
        yielded.delete(origin)
        failures.delete(origin)
      }
    }
    changedOrigins.clear()
    return changes.length > 0 || gone.length > 0 ? { type: 'change', readings: changes, gone } : undefined
  }

  /** The next sighting; undefined if nothing changed, unless `force` asks for one. */
  function next({ force }: { force: boolean }): Sighting | undefined {
    for (const scoped of reflectors.configured) if (scoped.reflector.error()) markReflectorChanged(scoped)
    const isComplete = reflectors.configured.every(
      (scoped) => !isRequired(scoped) || scoped.reflector.isListed() || fallbackOf(scoped),
    )
    const sighting = isPictureDue && isComplete ? buildPicture() : buildChange()
    const note = currentNote()
    if (!sighting && !force && note === yieldedNote) return undefined
    yieldedNote = note
    return { ...(sighting ?? { type: 'alive' }), ...(note !== undefined && { note }) }
  }

  /** Sets or clears the rejection of the credentials; whether that is a change. */
  function reportCredentials(error: SourceError | undefined): boolean {
    const isChanged = error?.message !== credentialsError?.message
    credentialsError = error
    if (isChanged) changedOrigins.add(credentialsOrigin)
    return isChanged
  }

  return {
    next,
    markReflectorChanged,
    reportCredentials,
    markChanged: (origins: Iterable<string>) => {
      for (const origin of origins) changedOrigins.add(origin)
    },
    /** Makes the next sighting a picture, in which missing origins are gone. */
    requestPicture: () => void (isPictureDue = true),
    /** Whether every reflector has succeeded or failed once. */
    hasAnswered: () => reflectors.configured.every(hasAnswered),
  }
}

/** The error of a missing right while only the own namespace is read. */
function partialAccess(error: SourceError, namespace = ''): SourceError {
  return new KubeApiError('forbidden', `${error.message}; until then only namespace ${namespace} is read`, {
    cause: error,
  })
}
