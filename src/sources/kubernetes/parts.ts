import { parseSelector, selects } from '../../model/selector.ts'
import type { KubeClient } from './client.ts'
import type { KubernetesConfig } from './config.ts'
import { ConfigMap } from './configmaps.ts'
import { EndpointSlice } from './endpoints.ts'
import { ApiError } from './failure.ts'
import type { Gate } from './gate.ts'
import type { Habits } from './habits.ts'
import { reader } from './objects.ts'
import { createReflector, type Kept, type Reflector } from './reflector.ts'
import { isOfProfile, Service } from './services.ts'

/** What is watched. */
export type Kinds = { services: Service; configmaps: ConfigMap; endpointslices: EndpointSlice }
export type Kind = keyof Kinds

/** Everything asked of the API server, for whoever writes the roles. `/version` is open to every account by default. */
export const accessNeeded = [
  { api_group: '', resource: 'services', verbs: ['list', 'watch'] },
  { api_group: '', resource: 'configmaps', verbs: ['list', 'watch'] },
  { api_group: 'discovery.k8s.io', resource: 'endpointslices', verbs: ['list', 'watch'], optional: true },
] as const

/** One kind in one namespace, or in all. */
export type Part<K extends Kind = Kind> = {
  readonly kind: K
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  readonly reflector: Reflector<Kinds[K]>
  readonly stop: () => void
}

type Tools = { client: KubeClient; gate: Gate; habits: Habits; signal: AbortSignal }

type Ears = {
  readonly onReplaced: (kind: Kind, namespace: string | undefined) => void
  readonly onChanged: (kind: Kind, key: string) => void
  readonly onState: (kind: Kind, namespace: string | undefined) => void
}

export type Parts = ReturnType<typeof createParts>

/**
 * Reflects every kind in every place that is configured.
 *
 * Where all namespaces are asked for and that is forbidden, the daemon's own is watched instead, until it is allowed.
 */
export function createParts(config: KubernetesConfig, own: string | undefined, tools: Tools, ears: Ears) {
  const { client, gate, habits, signal } = tools
  const runs: Promise<void>[] = []
  const instead = new Map<Kind, Part>()

  function open<K extends Kind>(kind: K, namespace: string | undefined): Part<K> {
    const stopped = new AbortController()
    const reflector = createReflector<Kinds[K]>({
      watched: {
        ...watchedOf(kind, namespace, config),
        read: readers(config)[kind] as (object: unknown) => Kept<Kinds[K]> | undefined,
      },
      client,
      gate,
      habits,
      onReplaced: () => ears.onReplaced(kind, namespace),
      onChanged: (key) => ears.onChanged(kind, key),
      onState: () => changedState(kind, namespace),
    })
    runs.push(reflector.run(AbortSignal.any([signal, stopped.signal])))
    return { kind, namespace, reflector, stop: () => stopped.abort() }
  }

  function changedState(kind: Kind, namespace: string | undefined): void {
    if (namespace === undefined && own !== undefined) standIn(kind, own)
    ears.onState(kind, namespace)
  }

  /** Starts or stops watching the own namespace in place of all. */
  function standIn(kind: Kind, own: string): void {
    const error = parts.find((part) => part.kind === kind)?.reflector.error()
    const before = instead.get(kind)
    if (!before && error instanceof ApiError && error.fault === 'forbidden') instead.set(kind, open(kind, own))
    if (!before || error) return
    before.stop()
    instead.delete(kind)
    ears.onReplaced(kind, own)
  }

  const parts: Part[] = []
  for (const namespace of config.namespaces ?? [undefined])
    for (const { resource } of accessNeeded) parts.push(open(resource, namespace))

  /** The part that speaks for a namespace: the own one's stand-in once it has something to say. */
  function partFor(kind: Kind, namespace: string): Part | undefined {
    const standing = instead.get(kind)
    if (standing?.namespace === namespace && standing.reflector.listed()) return standing
    return parts.find((part) => part.kind === kind && (part.namespace === undefined || part.namespace === namespace))
  }

  const namespaceIn = (key: string) => key.slice(0, key.indexOf('/'))

  function get<K extends Kind>(kind: K, key: string): Kinds[K] | undefined {
    return partFor(kind, namespaceIn(key))?.reflector.objects.get(key) as Kinds[K] | undefined
  }

  function* keys(kind: Kind): Generator<string> {
    const standing = instead.get(kind)
    for (const part of standing ? [...parts, standing] : parts) {
      if (part.kind !== kind) continue
      for (const key of part.reflector.objects.keys()) if (partFor(kind, namespaceIn(key)) === part) yield key
    }
  }

  return {
    parts,
    instead,
    runs,
    get,
    keys,
    partFor,
    relist: () => Promise.all([...parts, ...instead.values()].map(({ reflector }) => reflector.relist())),
  }
}

function watchedOf(kind: Kind, namespace: string | undefined, config: KubernetesConfig) {
  const { service_selector, config_map_selector, endpoint_slice_selector, profiles } = config
  const base = kind === 'endpointslices' ? '/apis/discovery.k8s.io/v1' : '/api/v1'
  // Other systems' Services carry other labels, or none: then all are read, and sorted out here.
  const services = profiles.length > 0 ? '' : service_selector
  const selectors = { services, configmaps: config_map_selector, endpointslices: endpoint_slice_selector }
  return {
    path: `${base}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind}`,
    what: `${kind} in ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}`,
    selector: selectors[kind],
  }
}

function readers({ service_selector, profiles }: KubernetesConfig) {
  const asked = parseSelector(service_selector)
  const wanted = (service: Service) => selects(asked, service.metadata.labels ?? {}) || isOfProfile(service, profiles)
  return {
    services: profiles.length > 0 ? reader(Service, wanted) : reader(Service),
    configmaps: reader(ConfigMap),
    endpointslices: reader(EndpointSlice),
  }
}
