import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { forEachYielding } from '../../../flow/cooperative.ts'
import type { Reading } from '../../../model/source.ts'
import type { KubernetesConfig } from '../config.ts'
import { createConfigMapReader } from '../resources/configmaps.ts'
import type { EndpointSlice } from '../resources/endpoints.ts'
import { entriesOfService } from '../resources/services.ts'
import type { ResourceKind, Reflectors } from './reflectors.ts'

/** Work done before others have their turn. */
const sliceMs = 5

type Origins = Map<string, Reading>

export type ReadingBuilder = ReturnType<typeof createReadingBuilder>

/** What is asked of the copies of the cluster. */
type Copies = Pick<Reflectors, 'get' | 'keys'>

/**
 * Makes readings of objects: one origin for a Service, one for each document of a ConfigMap.
 *
 * Only what is noted as changed is made anew, and what comes out the same stays the same object.
 */
export function createReadingBuilder({ config, copies }: { config: KubernetesConfig; copies: Copies }) {
  const readings: Origins = new Map()
  const dirty = { services: new Set<string>(), configmaps: new Set<string>() }
  const originsOf = new Map<string, ReadonlySet<string>>()
  const serviceOf = new Map<string, string>()
  const slicesOf = new Map<string, Set<string>>()
  const configMaps = createConfigMapReader()
  let working: Promise<unknown> = Promise.resolve()

  function noteSlice(key: string): void {
    const before = serviceOf.get(key)
    const slice = copies.get('endpointslices', key)
    const after = slice?.service === undefined ? undefined : `${slice.metadata.namespace}/${slice.service}`
    if (before !== undefined && before !== after) slicesOf.get(before)?.delete(key)
    if (after === undefined) serviceOf.delete(key)
    else {
      serviceOf.set(key, after)
      slicesOf.set(after, (slicesOf.get(after) ?? new Set()).add(key))
    }
    for (const service of [before, after]) if (service !== undefined) dirty.services.add(service)
  }

  function note(kind: ResourceKind, key: string): void {
    if (kind === 'endpointslices') noteSlice(key)
    else dirty[kind].add(key)
  }

  /** Everything of a kind was listed anew, or may be seen otherwise: what was there and what is. */
  function noteAll(kind: ResourceKind): void {
    const known = kind === 'endpointslices' ? serviceOf.keys() : originsOf.keys()
    const start = `${kind}/`
    for (const key of known) {
      if (kind === 'endpointslices') noteSlice(key)
      else if (key.startsWith(start)) dirty[kind].add(key.slice(start.length))
    }
    for (const key of copies.keys(kind)) note(kind, key)
  }

  function put(object: string, made: readonly Reading[], touched: Set<string>): void {
    const origins = new Set(made.map(({ origin }) => origin))
    for (const origin of originsOf.get(object) ?? []) {
      if (origins.has(origin)) continue
      readings.delete(origin)
      configMaps.forget(origin)
      touched.add(origin)
    }
    for (const reading of made) {
      if (readings.get(reading.origin) === reading) continue
      readings.set(reading.origin, reading)
      touched.add(reading.origin)
    }
    if (origins.size > 0) originsOf.set(object, origins)
    else originsOf.delete(object)
  }

  function readService(key: string): readonly Reading[] {
    const service = copies.get('services', key)
    if (!service) return []
    const slices = [...(slicesOf.get(key) ?? [])].map((slice) => copies.get('endpointslices', slice))
    const origin = `service/${key}`
    const entries = entriesOfService(
      service,
      slices.filter((slice): slice is EndpointSlice => slice !== undefined),
      config,
    )
    const before = readings.get(origin)
    return [before && 'entries' in before && isDeepStrictEqual(before.entries, entries) ? before : { origin, entries }]
  }

  async function readConfigMap(key: string): Promise<readonly Reading[]> {
    const configMap = copies.get('configmaps', key)
    return configMap ? configMaps.read(configMap) : []
  }

  async function work(): Promise<ReadonlySet<string>> {
    const touched = new Set<string>()
    await forEachYielding(take(dirty.services), (key) => put(`services/${key}`, readService(key), touched))
    let start = performance.now()
    for (const key of take(dirty.configmaps)) {
      put(`configmaps/${key}`, await readConfigMap(key), touched)
      if (performance.now() - start < sliceMs) continue
      await setImmediate()
      start = performance.now()
    }
    return touched
  }

  /** Makes the readings of what changed, one run after another; the answer names the origins that are new, other or gone. */
  function update(): Promise<ReadonlySet<string>> {
    const done = working.then(work)
    working = done
    return done
  }

  return { note, noteAll, update, readings: readings as ReadonlyMap<string, Reading> }
}

function* take(set: Set<string>): Generator<string> {
  for (const key of set) {
    set.delete(key)
    yield key
  }
}
