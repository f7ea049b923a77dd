import { matchesSelector, parseSelector } from '../../../model/query/selector.ts'
import type { KubernetesConfig } from '../config.ts'
import { KubeApiError } from '../connection/kube-api-error.ts'
import type { KubeClient } from '../connection/kube-client.ts'
import type { RequestLimiter } from '../connection/request-limiter.ts'
import { ConfigMap } from '../resources/configmaps.ts'
import { EndpointSlice } from '../resources/endpoints.ts'
import { createObjectReader, type ObjectReader } from '../resources/objects.ts'
import { matchesProfile, Service } from '../resources/services.ts'
import type { KubeTuning } from '../tuning.ts'
import { createReflector, type Reflector, type ResourceScope } from './reflector.ts'

/** The watched kinds of objects, by the plural of the API. */
export type ResourceKinds = { services: Service; configmaps: ConfigMap; endpointslices: EndpointSlice }
export type ResourceKind = keyof ResourceKinds

/** The access that roles must grant. `/version`, also used, is open to every account by default. */
export const requiredAccess = [
  { api_group: '', resource: 'services', verbs: ['list', 'watch'] },
  { api_group: '', resource: 'configmaps', verbs: ['list', 'watch'] },
  { api_group: 'discovery.k8s.io', resource: 'endpointslices', verbs: ['list', 'watch'], optional: true },
] as const

/** The reflector of one kind in one namespace, or in all. */
export type ScopedReflector<K extends ResourceKind = ResourceKind> = {
  readonly kind: K
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  readonly reflector: Reflector<ResourceKinds[K]>
  readonly stop: () => void
}

type ReflectorOptions = {
  readonly config: KubernetesConfig
  readonly ownNamespace: string | undefined
  readonly client: KubeClient
  readonly limiter: RequestLimiter
  readonly tuning: KubeTuning
  readonly signal: AbortSignal
  readonly onReplaced: (kind: ResourceKind) => void
  readonly onChanged: (kind: ResourceKind, key: string) => void
  readonly onState: (kind: ResourceKind, namespace: string | undefined) => void
}

export type Reflectors = ReturnType<typeof createReflectors>

/**
 * Reflects every kind in every configured namespace.
 *
 * Where listing all namespaces is forbidden, a fallback watches the daemon's own namespace until it is allowed.
 */
export function createReflectors({
  config,
  ownNamespace,
  client,
  limiter,
  tuning,
  signal,
  onReplaced,
  onChanged,
  onState,
}: ReflectorOptions) {
  const runs: Promise<void>[] = []
  const fallbacks = new Map<ResourceKind, ScopedReflector>()
  const configured: ScopedReflector[] = []

  function open<K extends ResourceKind>(kind: K, namespace: string | undefined): ScopedReflector<K> {
    const stopped = new AbortController()
    const reflector = createReflector<ResourceKinds[K]>({
      scope: {
        ...scopeOf(kind, namespace, config),
        read: createReaders(config)[kind] as ObjectReader<ResourceKinds[K]>,
      },
      client,
      limiter,
      tuning,
      onReplaced: () => onReplaced(kind),
      onChanged: (key) => onChanged(kind, key),
      onState: () => {
        if (namespace === undefined && ownNamespace !== undefined) updateFallback(kind, ownNamespace)
        onState(kind, namespace)
      },
    })
    runs.push(reflector.run(AbortSignal.any([signal, stopped.signal])))
    return { kind, namespace, reflector, stop: () => stopped.abort() }
  }

  /** Starts the fallback when listing all namespaces is forbidden, and stops it when that succeeds. */
  function updateFallback(kind: ResourceKind, namespace: string): void {
    const error = configured.find((scoped) => scoped.kind === kind)?.reflector.error()
    const fallback = fallbacks.get(kind)
    if (!fallback && error instanceof KubeApiError && error.kind === 'forbidden')
      fallbacks.set(kind, open(kind, namespace))
    if (!fallback || error) return
    fallback.stop()
    fallbacks.delete(kind)
    onReplaced(kind)
  }

  for (const namespace of config.namespaces ?? [undefined])
    for (const { resource } of requiredAccess) configured.push(open(resource, namespace))

  /** The reflector responsible for a namespace: the fallback once it has listed, otherwise the configured one. */
  function reflectorFor(kind: ResourceKind, namespace: string): ScopedReflector | undefined {
    const fallback = fallbacks.get(kind)
    if (fallback?.namespace === namespace && fallback.reflector.isListed()) return fallback
    return configured.find(
      (scoped) => scoped.kind === kind && (scoped.namespace === undefined || scoped.namespace === namespace),
    )
  }

  const namespaceIn = (key: string) => key.slice(0, key.indexOf('/'))

  function get<K extends ResourceKind>(kind: K, key: string): ResourceKinds[K] | undefined {
    return reflectorFor(kind, namespaceIn(key))?.reflector.objects.get(key) as ResourceKinds[K] | undefined
  }

  function* keys(kind: ResourceKind): Generator<string> {
    const fallback = fallbacks.get(kind)
    for (const scoped of fallback ? [...configured, fallback] : configured) {
      if (scoped.kind !== kind) continue
      for (const key of scoped.reflector.objects.keys()) if (reflectorFor(kind, namespaceIn(key)) === scoped) yield key
    }
  }

  return {
    configured,
    fallbacks,
    runs,
    get,
    keys,
    reflectorFor,
    relist: () => Promise.all([...configured, ...fallbacks.values()].map(({ reflector }) => reflector.relist())),
  }
}

function scopeOf(
  kind: ResourceKind,
  namespace: string | undefined,
  config: KubernetesConfig,
): Omit<ResourceScope<unknown>, 'read'> {
  const { service_selector, config_map_selector, endpoint_slice_selector, profiles } = config
  const base = kind === 'endpointslices' ? '/apis/discovery.k8s.io/v1' : '/api/v1'
  // Services of other systems carry other labels or none: with profiles, all are listed and filtered by the reader.
  const services = profiles.length > 0 ? '' : service_selector
  const selectors = { services, configmaps: config_map_selector, endpointslices: endpoint_slice_selector }
  return {
    path: `${base}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind}`,
    title: `${kind} in ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}`,
    selector: selectors[kind],
    requiredGrant: `a ${namespace === undefined ? 'ClusterRole' : `Role in namespace ${namespace}`} must grant list and watch on them to the service account`,
  }
}

function createReaders({ service_selector, profiles }: KubernetesConfig) {
  const selector = parseSelector(service_selector)
  const isRelevant = (service: Service) =>
    matchesSelector(selector, service.metadata.labels ?? {}) || matchesProfile(service, profiles)
  return {
    services: profiles.length > 0 ? createObjectReader(Service, isRelevant) : createObjectReader(Service),
    configmaps: createObjectReader(ConfigMap),
    endpointslices: createObjectReader(EndpointSlice),
  }
}
