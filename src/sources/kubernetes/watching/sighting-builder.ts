import type { Reading, Sighting, SourceError } from '../../../model/source.ts'
import { isPermanent } from '../connection/kube-api-error.ts'
import type { ReadingBuilder } from './reading-builder.ts'
import type { ResourceKind, ScopedReflector, Reflectors } from './reflectors.ts'

/** A failure that is not over after this long makes what is known stale. */
const staleAfterMs = 300_000

const kindOf: Readonly<Record<string, ResourceKind>> = { service: 'services', configmap: 'configmaps' }

/** Endpoints only add to what is known of Services. */
const isNeeded = ({ kind }: ScopedReflector) => kind !== 'endpointslices'

const originOf = ({ kind, namespace }: Pick<ScopedReflector, 'kind' | 'namespace'>) =>
  `watch/${kind}${namespace === undefined ? '' : `/${namespace}`}`

/**
 * Decides what to say: a picture once everything was listed, else what changed since it was last said.
 *
 * A part that fails is an origin of its own, so that it shows; its objects stay as they are, and count as failing only
 * where they are forbidden, or out of reach for minutes.
 */
export function createSightingBuilder({
  parts,
  assembly,
}: {
  parts: Reflectors
  assembly: Pick<ReadingBuilder, 'readings'>
}) {
  const told = new Map<string, Reading>()
  const touched = new Set<string>()
  const failures = new Map<string, Reading>()
  let whole = true
  let toldNote: string | undefined

  const standIn = ({ kind, namespace }: ScopedReflector) => {
    const standing = namespace === undefined ? parts.instead.get(kind) : undefined
    return standing?.reflector.listed() && !standing.reflector.error() ? standing : undefined
  }

  const isSettled = (part: ScopedReflector) => part.reflector.listed() || part.reflector.error() || standIn(part)

  /** The error of an origin; the same object for the same failure. */
  function failing(origin: string, error: SourceError): Reading {
    const before = failures.get(origin)
    if (before && 'error' in before && before.error === error) return before
    const reading = { origin, error }
    failures.set(origin, reading)
    return reading
  }

  function staleness(origin: string): SourceError | undefined {
    const [word = '', namespace = ''] = origin.split('/', 2)
    const kind = kindOf[word]
    const part = kind && parts.partFor(kind, namespace)
    const error = part?.reflector.error()
    if (!part || !error) return undefined
    return part.reflector.barred() || performance.now() - part.reflector.failingSince() > staleAfterMs
      ? error
      : undefined
  }

  function current(origin: string): Reading | undefined {
    const reading = assembly.readings.get(origin)
    const error = reading && staleness(origin)
    if (error) return failing(origin, error)
    if (reading) return reading
    const part = parts.parts.find((part) => isNeeded(part) && originOf(part) === origin)
    const failure = part && !standIn(part) ? part.reflector.error() : undefined
    return failure && failing(origin, failure)
  }

  /** A part began or ceased to fail, or fails in another way: all that it speaks for may be seen otherwise. */
  function restate(part: Pick<ScopedReflector, 'kind' | 'namespace'>): void {
    touched.add(originOf(part))
    for (const origin of assembly.readings.keys()) {
      const [word = '', namespace] = origin.split('/', 2)
      if (kindOf[word] === part.kind && (part.namespace === undefined || part.namespace === namespace))
        touched.add(origin)
    }
  }

  function note(): string | undefined {
    const all = [...parts.parts, ...parts.instead.values()]
    const notes = parts.parts.flatMap((part) => {
      const error = part.reflector.error()
      if (!error) return []
      const standing = standIn(part)
      if (standing) return [`${part.kind} only of namespace ${standing.namespace}: not allowed to list those of all`]
      return isNeeded(part) || !isPermanent(error) ? [] : [`endpoints are not known: ${error.message}`]
    })
    const unreadable = all.reduce((sum, { reflector }) => sum + reflector.unreadable(), 0)
    if (unreadable > 0) notes.push(`${unreadable} objects could not be made out`)
    const broken = parts.parts.filter((part) => isNeeded(part) && part.reflector.error() && !standIn(part))
    if (broken.length > 0) notes.push(`not connected: ${broken[0]?.reflector.error()?.message}`)
    return notes.length > 0 ? notes.join('; ') : undefined
  }

  function picture(): Sighting {
    const origins = new Set([...assembly.readings.keys(), ...parts.parts.map(originOf)])
    whole = false
    touched.clear()
    told.clear()
    for (const origin of origins) {
      const reading = current(origin)
      if (reading) told.set(origin, reading)
    }
    return { type: 'picture', readings: [...told.values()] }
  }

  function change(): Sighting | undefined {
    const readings: Reading[] = []
    const gone: string[] = []
    for (const origin of touched) {
      const reading = current(origin)
      if (reading === told.get(origin)) continue
      if (reading) {
        readings.push(reading)
        told.set(origin, reading)
      } else {
        gone.push(origin)
        told.delete(origin)
        failures.delete(origin)
      }
    }
    touched.clear()
    return readings.length > 0 || gone.length > 0 ? { type: 'change', readings, gone } : undefined
  }

  /** What there is to say now; undefined if nothing is, unless something must be said. */
  function next({ must }: { must: boolean }): Sighting | undefined {
    for (const part of parts.parts) if (part.reflector.error()) restate(part)
    const complete = parts.parts.every((part) => !isNeeded(part) || part.reflector.listed() || standIn(part))
    const sighting = whole && complete ? picture() : change()
    const now = note()
    if (!sighting && !must && now === toldNote) return undefined
    toldNote = now
    return { ...(sighting ?? { type: 'alive' }), ...(now !== undefined && { note: now }) }
  }

  return {
    next,
    restate,
    touch: (origins: Iterable<string>) => {
      for (const origin of origins) touched.add(origin)
    },
    /** Everything was listed anew: what is missing is gone. */
    renew: () => void (whole = true),
    /** Whether every part has answered once, well or badly. */
    settled: () => parts.parts.every(isSettled),
  }
}
