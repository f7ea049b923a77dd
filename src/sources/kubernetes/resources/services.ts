import * as z from 'zod'
import type { Entry } from '../../../model/source.ts'
import type { KubernetesConfig } from '../config.ts'
import { AnnotationError, locationAnnotation, parseCommandAnnotations, parseFieldAnnotations } from './annotations.ts'
import { type EndpointSlice, hasReadyEndpoint, readyEndpoints } from './endpoints.ts'
import { ObjectMetadata } from './objects.ts'
import { choosePort, foreignConventions, isMcpPort, schemeOf, ServicePort, type TcpPort, tcpPorts } from './ports.ts'
import { type TenantUrlRules, tenantUrlProblem } from './tenant-urls.ts'

export const Service = z.object({
  metadata: ObjectMetadata,
  spec: z
    .object({
      type: z.string().nullish(),
      clusterIP: z.string().nullish(),
      externalName: z.string().nullish(),
      ports: z.array(ServicePort).nullish(),
    })
    .nullish(),
})
export type Service = z.output<typeof Service>

type ServiceRules = Pick<KubernetesConfig, 'per_endpoint' | 'profiles'> & TenantUrlRules

/** The chosen port with the scheme and path of the URL made from it. */
type ServiceAddress = TcpPort & { readonly path: string; readonly scheme: string }

const addedTags = ['kubernetes', 'auto-discovered']

/** The servers of a Service: one, or one for each ready pod, or the problem that rejects it. */
export function entriesOfService(
  service: Service,
  slices: readonly EndpointSlice[] | undefined,
  rules: ServiceRules,
): readonly Entry[] {
  const { name, namespace } = service.metadata
  try {
    const { fields, address } = definitionOf(service, rules)
    const relevantSlices = address === undefined ? [] : (slices ?? [])
    const pods = rules.per_endpoint && address ? podEntries(fields, relevantSlices, address) : []
    if (pods.length > 0) return pods
    const isDown = hasReadyEndpoint(relevantSlices) === false
    return [{ value: fields, ...(isDown && { reported: { status: 'unhealthy', reason: 'no_endpoints' } as const }) }]
  } catch (error) {
    if (error instanceof AnnotationError || error instanceof ServiceError)
      return [{ problem: error.message, name, namespace }]
    throw error
  }
}

/** Why a Service cannot be a server. */
class ServiceError extends Error {
  override name = 'ServiceError'
}

/** The definition, and the address it was made from; no address where the Service's endpoints say nothing of health. */
function definitionOf(
  service: Service,
  rules: ServiceRules,
): { fields: Record<string, unknown>; address?: ServiceAddress } {
  const { metadata, spec } = service
  const annotations = metadata.annotations ?? {}
  const annotated = parseFieldAnnotations(annotations)
  const fields: Record<string, unknown> = {
    name: metadata.name,
    ...annotated,
    namespace: metadata.namespace,
    labels: metadata.labels ?? {},
    tags: [...new Set([...((annotated['tags'] as unknown[] | undefined) ?? []), ...addedTags])],
    metadata: {
      ...(annotated['metadata'] as object | undefined),
      namespace: metadata.namespace,
      service_name: metadata.name,
      cluster_ip: spec?.clusterIP ?? null,
    },
  }
  assertTenantUrls(service, rules)
  const command = parseCommandAnnotations(annotations)
  if (command) return { fields: { ...fields, ...command } }
  const url = locationAnnotation(annotations, 'url')
  if (url !== undefined) return { fields: { ...fields, url } }
  const location = locationOf(service, rules)
  const type = fields['type'] ?? location.type
  const path = location.path ?? (type === 'sse' ? '/sse' : '/mcp')
  const host = spec?.type === 'ExternalName' ? externalHost(service) : clusterHost(metadata, rules)
  const { port, scheme } = location
  return {
    fields: { ...fields, ...(type !== undefined && { type }), url: `${scheme}://${host}:${port.port}${path}` },
    ...(spec?.type !== 'ExternalName' && { address: { ...port, path, scheme } }),
  }
}

/** Throws for an annotated URL that the config does not allow. */
function assertTenantUrls({ metadata, spec }: Service, rules: ServiceRules): void {
  const owner = { namespace: metadata.namespace, clusterIP: spec?.clusterIP }
  for (const annotation of ['mcp-roster.io/url', 'mcp-roster.io/health-check-url']) {
    const url = metadata.annotations?.[annotation]?.trim()
    const problem = url ? tenantUrlProblem(url, owner, rules) : undefined
    if (problem !== undefined) throw new AnnotationError(annotation, problem)
  }
}

function locationOf(service: Service, { allow_external_name, profiles }: ServiceRules) {
  if (service.spec?.type === 'ExternalName' && !allow_external_name)
    throw new ServiceError(
      'is of type ExternalName, which can point anywhere; set allow_external_name: true to allow it',
    )
  const annotations = service.metadata.annotations ?? {}
  const isKagent = profiles.includes('kagent')
  const port = choosePort(tcpPorts(service.spec?.ports ?? []), portAnnotation(annotations, isKagent))
  if (!port) throw new ServiceError('has no TCP port; add one, or annotate mcp-roster.io/port or mcp-roster.io/url')
  const conventions = foreignConventions(annotations, port, isKagent)
  const path = locationAnnotation(annotations, 'path') ?? conventions.path
  return {
    port,
    type: conventions.type,
    path: path === undefined ? undefined : path.startsWith('/') ? path : `/${path}`,
    scheme: schemeOf(annotations, port),
  }
}

function portAnnotation(annotations: Readonly<Record<string, string>>, isKagent: boolean) {
  const names = ['mcp-roster.io/port', ...(isKagent ? ['kagent.dev/mcp-service-port'] : [])]
  const annotation = names.find((name) => annotations[name]?.trim())
  return annotation === undefined ? undefined : { annotation, text: annotations[annotation]?.trim() ?? '' }
}

function clusterHost({ name, namespace }: ObjectMetadata, { cluster_domain }: ServiceRules): string {
  return `${name}.${namespace}.svc${cluster_domain === undefined ? '' : `.${cluster_domain}`}`
}

function externalHost({ spec }: Service): string {
  if (!spec?.externalName) throw new ServiceError('is of type ExternalName without an externalName')
  return spec.externalName
}

function podEntries(
  fields: Record<string, unknown>,
  slices: readonly EndpointSlice[],
  { name, path, scheme }: ServiceAddress,
): readonly Entry[] {
  return readyEndpoints(slices, name).map((endpoint) => ({
    value: {
      ...fields,
      name: `${String(fields['name'])}-${endpoint.name}`,
      url: `${scheme}://${endpoint.host}:${endpoint.port}${path}`,
      metadata: { ...(fields['metadata'] as object), endpoint: endpoint.name },
    },
    where: endpoint.name,
  }))
}

/** Whether a Service without the configured label matches an enabled profile. */
export function matchesProfile(service: Service, profiles: ServiceRules['profiles']): boolean {
  const labels = service.metadata.labels ?? {}
  if (
    profiles.includes('kagent') &&
    labels['kagent.dev/mcp-service'] === 'true' &&
    labels['kagent.dev/discovery'] !== 'disabled'
  )
    return true
  return profiles.includes('app_protocol') && tcpPorts(service.spec?.ports ?? []).some(isMcpPort)
}
