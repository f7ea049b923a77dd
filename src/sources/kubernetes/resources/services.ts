import * as z from 'zod'
import type { Entry } from '../../../model/source.ts'
import type { KubernetesConfig } from '../config.ts'
import { AnnotationError, parseCommandAnnotations, parseFieldAnnotations, locationAnnotation } from './annotations.ts'
import { type EndpointSlice, readyEndpoints, hasReadyEndpoint } from './endpoints.ts'
import { Metadata } from './objects.ts'
import { choosePort, conventionsOf, type Port, tcpPorts, schemeOf, isMcpPort } from './ports.ts'

const PortSpec = z.object({
  name: z.string().nullish(),
  port: z.number(),
  protocol: z.string().nullish(),
  appProtocol: z.string().nullish(),
})

export const Service = z.object({
  metadata: Metadata,
  spec: z
    .object({
      type: z.string().nullish(),
      clusterIP: z.string().nullish(),
      externalName: z.string().nullish(),
      ports: z.array(PortSpec).nullish(),
    })
    .nullish(),
})
export type Service = z.output<typeof Service>

type Rules = Pick<KubernetesConfig, 'allow_external_name' | 'cluster_domain' | 'per_endpoint' | 'profiles'>

const addedTags = ['kubernetes', 'auto-discovered']

/** The servers that a Service is: one, or each of its pods, or the reason why it is none. */
export function entriesOfService(
  service: Service,
  slices: readonly EndpointSlice[] | undefined,
  rules: Rules,
): readonly Entry[] {
  const { name, namespace } = service.metadata
  try {
    const { fields, port } = definitionOf(service, rules)
    const known = port === undefined ? [] : (slices ?? [])
    const each = rules.per_endpoint && port ? podsOf(fields, known, port) : []
    if (each.length > 0) return each
    const silent = hasReadyEndpoint(known) === false
    return [{ value: fields, ...(silent && { reported: { status: 'unhealthy', reason: 'no_endpoints' } as const }) }]
  } catch (error) {
    if (error instanceof AnnotationError || error instanceof ServiceError)
      return [{ problem: error.message, name, namespace }]
    throw error
  }
}

/** Why a Service as a whole is no server. */
class ServiceError extends Error {
  override name = 'ServiceError'
}

/** The definition, and the port it was made from; none where endpoints do not tell whether it is well. */
function definitionOf(
  service: Service,
  rules: Rules,
): { fields: Record<string, unknown>; port?: Port & { path: string; scheme: string } } {
  const { metadata, spec } = service
  const annotations = metadata.annotations ?? {}
  const given = parseFieldAnnotations(annotations)
  const fields: Record<string, unknown> = {
    name: metadata.name,
    ...given,
    namespace: metadata.namespace,
    labels: metadata.labels ?? {},
    tags: [...new Set([...((given['tags'] as unknown[] | undefined) ?? []), ...addedTags])],
    metadata: {
      ...(given['metadata'] as object | undefined),
      namespace: metadata.namespace,
      service_name: metadata.name,
      cluster_ip: spec?.clusterIP ?? null,
    },
  }
  const command = parseCommandAnnotations(annotations)
  if (command) return { fields: { ...fields, ...command } }
  const url = locationAnnotation(annotations, 'url')
  if (url !== undefined) return { fields: { ...fields, url } }
  const place = placeOf(service, rules)
  const type = fields['type'] ?? place.type
  const path = place.path ?? (type === 'sse' ? '/sse' : '/mcp')
  const host = spec?.type === 'ExternalName' ? externalHost(service) : hostOf(metadata, rules)
  const { port, scheme } = place
  return {
    fields: { ...fields, ...(type !== undefined && { type }), url: `${scheme}://${host}:${port.port}${path}` },
    ...(spec?.type !== 'ExternalName' && { port: { ...port, path, scheme } }),
  }
}

function placeOf(service: Service, { allow_external_name, profiles }: Rules) {
  if (service.spec?.type === 'ExternalName' && !allow_external_name)
    throw new ServiceError(
      'is of type ExternalName, which may point anywhere; set allow_external_name: true if that is wanted',
    )
  const annotations = service.metadata.annotations ?? {}
  const kagent = profiles.includes('kagent')
  const port = choosePort(tcpPorts(service), annotatedPort(annotations, kagent))
  if (!port) throw new ServiceError('has no TCP port; add one, or annotate mcp-roster.io/port or mcp-roster.io/url')
  const { type, path } = conventionsOf(annotations, port, kagent)
  const asked = locationAnnotation(annotations, 'path') ?? path
  return {
    port,
    type,
    path: asked === undefined ? undefined : asked.startsWith('/') ? asked : `/${asked}`,
    scheme: schemeOf(annotations, port),
  }
}

function annotatedPort(annotations: Readonly<Record<string, string>>, kagent: boolean) {
  const names = ['mcp-roster.io/port', ...(kagent ? ['kagent.dev/mcp-service-port'] : [])]
  const annotation = names.find((name) => annotations[name]?.trim())
  return annotation === undefined ? undefined : { annotation, text: annotations[annotation]?.trim() ?? '' }
}

function hostOf({ name, namespace }: Metadata, { cluster_domain }: Rules): string {
  return `${name}.${namespace}.svc${cluster_domain === undefined ? '' : `.${cluster_domain}`}`
}

function externalHost({ spec }: Service): string {
  if (!spec?.externalName) throw new ServiceError('is of type ExternalName and names none')
  return spec.externalName
}

function podsOf(
  fields: Record<string, unknown>,
  slices: readonly EndpointSlice[],
  { name, path, scheme }: Port & { path: string; scheme: string },
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

/** Whether a Service that was listed for its profile alone is one of that profile. */
export function matchesProfile(service: Service, profiles: Rules['profiles']): boolean {
  const labels = service.metadata.labels ?? {}
  if (
    profiles.includes('kagent') &&
    labels['kagent.dev/mcp-service'] === 'true' &&
    labels['kagent.dev/discovery'] !== 'disabled'
  )
    return true
  return profiles.includes('app_protocol') && tcpPorts(service).some(isMcpPort)
}
