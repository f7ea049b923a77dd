import { isIP } from 'node:net'
import { createAddressGuard } from '../../../outbound/address-guard.ts'
import type { KubernetesConfig } from '../config.ts'

/** What is known of a Service: an ordinary one, or one of type ExternalName. Undefined: the source does not see it. */
export type ServiceKind = 'service' | 'external' | undefined

export type TenantUrlRules = Pick<KubernetesConfig, 'annotation_urls' | 'allow_external_name' | 'cluster_domain'> & {
  /** Looks up a Service by `namespace/name`. */
  readonly serviceKind: (key: string) => ServiceKind
}

/** The Service whose annotation holds the URL. */
type Owner = { readonly namespace: string; readonly clusterIP?: string | null | undefined }

/** Names of metadata services, which their networks resolve to a metadata address. */
const metadataHosts = new Set(['metadata.google.internal', 'metadata.goog'])

const addressGuard = createAddressGuard({ reach: 'any' })

/** Why a URL leads to a metadata or link-local address; undefined for all others. Names are not resolved. */
export function metadataAddressProblem(text: string): string | undefined {
  const host = hostOf(text)
  if (host === undefined) return undefined
  if (metadataHosts.has(host)) return `${host} is a metadata address, which is never called`
  const reason = isIP(host) === 0 ? undefined : addressGuard(host)
  return reason && `${host} ${reason}`
}

/**
 * Why an annotation may not hold this URL; undefined if it may.
 *
 * Write access to one namespace must not be enough to send the daemon and its clients anywhere. A Service counts only where
 * the source sees it, or its EndpointSlices: one of type ExternalName, which can point anywhere, has none.
 */
export function tenantUrlProblem(text: string, owner: Owner, rules: TenantUrlRules): string | undefined {
  const metadata = metadataAddressProblem(text)
  if (metadata !== undefined || rules.annotation_urls === 'any') return metadata
  const host = hostOf(text)
  if (host === undefined || text.includes('${')) return 'is not a URL'
  if (host === owner.clusterIP) return undefined
  return hostProblem(host, owner, rules)
}

function hostProblem(
  host: string,
  { namespace }: Owner,
  { annotation_urls, allow_external_name, cluster_domain = 'cluster.local', serviceKind }: TenantUrlRules,
): string | undefined {
  const suffix = ['', `.${cluster_domain}`].find((one) => host.endsWith(`.svc${one}`))
  const [name = '', place = '', ...others] =
    suffix === undefined ? host.split('.') : host.slice(0, -`.svc${suffix}`.length).split('.')
  if (suffix === undefined && place === namespace && others.length === 0)
    return `${host} is ambiguous; write NAME.${namespace}.svc`
  const isInReach = annotation_urls === 'cluster' || place === namespace
  if (suffix === undefined || others.length > 0 || !isInReach) {
    const scope = annotation_urls === 'cluster' ? 'the cluster' : `namespace ${namespace}`
    return `${host} is no Service of ${scope}; set annotation_urls on the source if its annotations may point there`
  }
  const kind = serviceKind(`${place}/${name}`)
  if (kind === undefined)
    return `Service ${name} is not seen in namespace ${place}; it needs the label of the source, or an EndpointSlice`
  if (kind === 'service' || allow_external_name) return undefined
  return `Service ${name} is of type ExternalName, which can point anywhere; set allow_external_name: true to allow it`
}

/** The host of a URL in lower case, without the brackets of IPv6 and a final dot; numbers as dotted addresses. */
function hostOf(text: string): string | undefined {
  return URL.parse(text)
    ?.hostname.toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}
