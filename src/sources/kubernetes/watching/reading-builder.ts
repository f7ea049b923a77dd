import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { forEachYielding } from '../../../flow/cooperative.ts'
import type { Reading } from '../../../model/source.ts'
import type { KubernetesConfig } from '../config.ts'
import { createConfigMapReader } from '../resources/configmaps.ts'
import type { EndpointSlice } from '../resources/endpoints.ts'
import { entriesOfService } from '../resources/services.ts'
import type { ServiceKind } from '../resources/tenant-urls.ts'
import type { Reflectors, ResourceKind } from './reflectors.ts'

/** Time slice of reading ConfigMaps before the event loop gets a turn. */
const maxSliceMs = 5

export type ReadingBuilder = ReturnType<typeof createReadingBuilder>

/**
 * Builds readings from objects: one origin for a Service, one for each document of a ConfigMap.
 *
 * Rebuilds only what was marked as changed. A rebuilt reading that equals the old one stays the same object.
 */
export function createReadingBuilder({
  config,
  reflectors,
}: {
  config: KubernetesConfig
  reflectors: Pick<Reflectors, 'get' | 'keys'>
}) {
  const readings = new Map<string, Reading>()
  const changed = { services: new Set<string>(), configmaps: new Set<string>() }
  const originsOfObject = new Map<string, ReadonlySet<string>>()
  const serviceOfSlice = new Map<string, string>()
  const slicesOfService = new Map<string, Set<string>>()
  /** Services whose annotated URLs name a Service, by the key of that one, and the reverse. */
  const referrers = new Map<string, Set<string>>()
  const referencesOf = new Map<string, Set<string>>()
  const configMaps = createConfigMapReader()
  let lastUpdate: Promise<unknown> = Promise.resolve()

  function markSliceChanged(key: string): void {
    const before = serviceOfSlice.get(key)
    const slice = reflectors.get('endpointslices', key)
    const after = slice?.service === undefined ? undefined : `${slice.metadata.namespace}/${slice.service}`
    if (before !== undefined && before !== after) slicesOfService.get(before)?.delete(key)
    if (after === undefined) serviceOfSlice.delete(key)
    else {
      serviceOfSlice.set(key, after)
      slicesOfService.set(after, (slicesOfService.get(after) ?? new Set()).add(key))
    }
    for (const service of [before, after]) if (service !== undefined) markServiceChanged(service)
  }

  function markServiceChanged(key: string): void {
    changed.services.add(key)
    for (const referrer of referrers.get(key) ?? []) changed.services.add(referrer)
  }

  function markChanged(kind: ResourceKind, key: string): void {
    if (kind === 'endpointslices') markSliceChanged(key)
    else if (kind === 'services') markServiceChanged(key)
    else changed[kind].add(key)
  }

  /** What is known of the Service with a key; remembers who asked. */
  function serviceKind(key: string, referrer: string): ServiceKind {
    referrers.set(key, (referrers.get(key) ?? new Set()).add(referrer))
    referencesOf.set(referrer, (referencesOf.get(referrer) ?? new Set()).add(key))
    const service = reflectors.get('services', key)
    if (service) return service.spec?.type === 'ExternalName' ? 'external' : 'service'
    return (slicesOfService.get(key)?.size ?? 0) > 0 ? 'service' : undefined
  }

  /** Marks all objects of a kind, former and present ones, after another list or a change of reflector. */
  function markAllChanged(kind: ResourceKind): void {
    const formerKeys = kind === 'endpointslices' ? serviceOfSlice.keys() : originsOfObject.keys()
    const prefix = `${kind}/`
    for (const key of formerKeys) {
      if (kind === 'endpointslices') markSliceChanged(key)
      else if (key.startsWith(prefix)) changed[kind].add(key.slice(prefix.length))
    }
    for (const key of reflectors.keys(kind)) markChanged(kind, key)
  }

  function forgetReferences(referrer: string): void {
    for (const key of referencesOf.get(referrer) ?? []) {
      const keys = referrers.get(key)
      keys?.delete(referrer)
      if (keys?.size === 0) referrers.delete(key)
    }
    referencesOf.delete(referrer)
  }

  function store(object: string, objectReadings: readonly Reading[], changedOrigins: Set<string>): void {
    const origins = new Set(objectReadings.map(({ origin }) => origin))
    for (const origin of originsOfObject.get(object) ?? []) {
      if (origins.has(origin)) continue
      readings.delete(origin)
      configMaps.forget(origin)
      changedOrigins.add(origin)
    }
    for (const reading of objectReadings) {
      if (readings.get(reading.origin) === reading) continue
      readings.set(reading.origin, reading)
      changedOrigins.add(reading.origin)
    }
    if (origins.size > 0) originsOfObject.set(object, origins)
    else originsOfObject.delete(object)
  }

  function readService(key: string): readonly Reading[] {
    forgetReferences(key)
    const service = reflectors.get('services', key)
    if (!service) return []
    const slices = [...(slicesOfService.get(key) ?? [])].map((slice) => reflectors.get('endpointslices', slice))
    const origin = `service/${key}`
    const entries = entriesOfService(
      service,
      slices.filter((slice): slice is EndpointSlice => slice !== undefined),
      { ...config, serviceKind: (target) => serviceKind(target, key) },
    )
    const before = readings.get(origin)
    return [before && 'entries' in before && isDeepStrictEqual(before.entries, entries) ? before : { origin, entries }]
  }

  async function readConfigMap(key: string): Promise<readonly Reading[]> {
    const configMap = reflectors.get('configmaps', key)
    return configMap ? configMaps.read(configMap) : []
  }

  async function rebuild(): Promise<ReadonlySet<string>> {
    const changedOrigins = new Set<string>()
    await forEachYielding(drain(changed.services), (key) => store(`services/${key}`, readService(key), changedOrigins))
    let sliceStart = performance.now()
    for (const key of drain(changed.configmaps)) {
      store(`configmaps/${key}`, await readConfigMap(key), changedOrigins)
      if (performance.now() - sliceStart < maxSliceMs) continue
      await setImmediate()
      sliceStart = performance.now()
    }
    return changedOrigins
  }

  /** Rebuilds what was marked, one update at a time; returns the origins that were added, changed or removed. */
  function update(): Promise<ReadonlySet<string>> {
    const done = lastUpdate.then(rebuild)
    lastUpdate = done
    return done
  }

  return { markChanged, markAllChanged, update, readings: readings as ReadonlyMap<string, Reading> }
}

function* drain(set: Set<string>): Generator<string> {
  for (const key of set) {
    set.delete(key)
    yield key
  }
}
