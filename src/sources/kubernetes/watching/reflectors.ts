import { parseSelector, matchesSelector } from '../../../model/query/selector.ts'
import type { KubernetesConfig } from '../config.ts'
import { KubeApiError } from '../connection/kube-api-error.ts'
import type { KubeClient } from '../connection/kube-client.ts'
import type { RequestLimiter } from '../connection/request-limiter.ts'
import { ConfigMap } from '../resources/configmaps.ts'
import { EndpointSlice } from '../resources/endpoints.ts'
import { createObjectReader } from '../resources/objects.ts'
import { matchesProfile, Service } from '../resources/services.ts'
import type { Tuning } from '../tuning.ts'
import { createReflector, type ObjectEntry, type Reflector } from './reflector.ts'

/** What is watched. */
export type ResourceKinds = { services: Service; configmaps: ConfigMap; endpointslices: EndpointSlice }
export type ResourceKind = keyof ResourceKinds

/** Everything asked of the API server, for whoever writes the roles. `/version` is open to every account by default. */
export const requiredAccess = [
  { api_group: '', resource: 'services', verbs: ['list', 'watch'] },
  { api_group: '', resource: 'configmaps', verbs: ['list', 'watch'] },
  { api_group: 'discovery.k8s.io', resource: 'endpointslices', verbs: ['list', 'watch'], optional: true },
] as const

/** One kind in one namespace, or in all. */
export type ScopedReflector<K extends ResourceKind = ResourceKind> = {
  readonly kind: K
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  readonly reflector: Reflector<ResourceKinds[K]>
  readonly stop: () => void
}

type Tools = { client: KubeClient; gate: RequestLimiter; habits: Tuning; signal: AbortSignal }

type Ears = {
  readonly onReplaced: (kind: ResourceKind, namespace: string | undefined) => void
  readonly onChanged: (kind: ResourceKind, key: string) => void
  readonly onState: (kind: ResourceKind, namespace: string | undefined) => void
}

export type Reflectors = ReturnType<typeof createReflectors>

/**
 * Reflects every kind in every place that is configured.
 *
 * Where all namespaces are asked for and that is forbidden, the daemon's own is watched instead, until it is allowed.
 */
export function createReflectors(config: KubernetesConfig, own: string | undefined, tools: Tools, ears: Ears) {
  const { client, gate, habits, signal } = tools
  const runs: Promise<void>[] = []
  const instead = new Map<ResourceKind, ScopedReflector>()

  function open<K extends ResourceKind>(kind: K, namespace: string | undefined): ScopedReflector<K> {
    const stopped = new AbortController()
    const reflector = createReflector<ResourceKinds[K]>({
      watched: {
        ...watchedOf(kind, namespace, config),
        read: readers(config)[kind] as (object: unknown) => ObjectEntry<ResourceKinds[K]> | undefined,
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

  function changedState(kind: ResourceKind, namespace: string | undefined): void {
    if (namespace === undefined && own !== undefined) standIn(kind, own)
    ears.onState(kind, namespace)
  }

  /** Starts or stops watching the own namespace in place of all. */
  function standIn(kind: ResourceKind, own: string): void {
    const error = parts.find((part) => part.kind === kind)?.reflector.error()
    const before = instead.get(kind)
    if (!before && error instanceof KubeApiError && error.fault === 'forbidden') instead.set(kind, open(kind, own))
    if (!before || error) return
    before.stop()
    instead.delete(kind)
    ears.onReplaced(kind, own)
  }

  const parts: ScopedReflector[] = []
  for (const namespace of config.namespaces ?? [undefined])
    for (const { resource } of requiredAccess) parts.push(open(resource, namespace))

  /** The part that speaks for a namespace: the own one's stand-in once it has something to say. */
  function partFor(kind: ResourceKind, namespace: string): ScopedReflector | undefined {
    const standing = instead.get(kind)
    if (standing?.namespace === namespace && standing.reflector.listed()) return standing
    return parts.find((part) => part.kind === kind && (part.namespace === undefined || part.namespace === namespace))
  }

  const namespaceIn = (key: string) => key.slice(0, key.indexOf('/'))

  function get<K extends ResourceKind>(kind: K, key: string): ResourceKinds[K] | undefined {
    return partFor(kind, namespaceIn(key))?.reflector.objects.get(key) as ResourceKinds[K] | undefined
  }

  function* keys(kind: ResourceKind): Generator<string> {
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

function watchedOf(kind: ResourceKind, namespace: string | undefined, config: KubernetesConfig) {
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
  const wanted = (service: Service) =>
    matchesSelector(asked, service.metadata.labels ?? {}) || matchesProfile(service, profiles)
  return {
    services: profiles.length > 0 ? createObjectReader(Service, wanted) : createObjectReader(Service),
    configmaps: createObjectReader(ConfigMap),
    endpointslices: createObjectReader(EndpointSlice),
  }
}
