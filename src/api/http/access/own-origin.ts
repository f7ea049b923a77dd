import type { IncomingMessage } from 'node:http'
import { createNetworks } from '../../../outbound/address-guard.ts'
import { Problem } from '../problem.ts'
import { hostNameOf, isNamedHost } from './host.ts'

type Received = Pick<IncomingMessage, 'headers' | 'socket'>

/**
 * Says why a page is not the daemon's own, such as its dashboard; undefined where it is.
 *
 * A page is its own where its origin is the host that the request asks for: `Host`, or what a trusted proxy (CIDRs) says the host was.
 * Such a proxy may also pass on what its client wrote. So the headers count only where all that are there agree, and name a host that
 * no foreign name can be rebound to: one of `hosts`, localhost or an address.
 */
export function createOwnOrigin({
  hosts,
  trustedProxies,
}: {
  readonly hosts: readonly string[]
  readonly trustedProxies: readonly string[]
}) {
  const isTrusted = trustedProxies.length === 0 ? undefined : createNetworks(trustedProxies)

  return (origin: string, request: Received): Problem | undefined => {
    const page = URL.parse(origin)
    const { host } = request.headers
    if (!page || page.origin === 'null') return forbidden(foreign)
    if (host !== undefined && page.host === host.toLowerCase()) return undefined
    if (isTrusted?.(request.socket.remoteAddress ?? '') !== true) return forbidden(`${foreign} ${untrusted}`)
    const asked = forwardedOrigins(request, page.protocol)
    if (asked.length === 0) return forbidden(`${foreign} ${unsaid}`)
    if (asked.some((one) => one !== page.origin)) return forbidden(`${foreign} ${different}`)
    return isNamedHost(hostNameOf(page.host) ?? '', hosts) ? undefined : forbidden(`${foreign} ${unnamed}`)
  }
}

/** The origins that a proxy says its client asked for: the last of each list, which is its own word. A host without a scheme has that of the page. */
function forwardedOrigins({ headers }: Received, pageProtocol: string): string[] {
  const standard = parametersOf(lastOf(headers.forwarded))
  return [
    { host: lastOf(headers['x-forwarded-host']), proto: lastOf(headers['x-forwarded-proto']) },
    { host: standard.get('host'), proto: standard.get('proto') },
  ].flatMap(({ host, proto = pageProtocol }) => (host === undefined ? [] : [originOf(proto, host)]))
}

/** Empty for what is no host. */
function originOf(proto: string, host: string): string {
  return hostNameOf(host) === undefined ? '' : (URL.parse(`${proto.replace(/:$/, '')}://${host}`)?.origin ?? '')
}

function lastOf(header: string | readonly string[] | undefined): string | undefined {
  const last = String(header ?? '')
    .split(',')
    .at(-1)
    ?.trim()
  return last === '' ? undefined : last
}

/** The parameters of one element of `Forwarded` (RFC 7239), by lower-case name. */
function parametersOf(element = ''): ReadonlyMap<string, string> {
  const pairs = element.split(';').map((pair) => pair.split('=').map((part) => part.trim()))
  return new Map(pairs.map(([name = '', value = '']) => [name.toLowerCase(), value.replace(/^"(.*)"$/, '$1')]))
}

const forbidden = (detail: string) => new Problem('origin_forbidden', detail)

const foreign = 'Pages of this origin may only read; to allow writes, add the origin to cors.origins.'
const untrusted =
  'If it is the dashboard behind a reverse proxy, the proxy has changed Host: let it keep Host (nginx: proxy_set_header Host $http_host), or let it set X-Forwarded-Host and name its network in listen.trusted_proxies and the host of the page in listen.hosts.'
const unsaid =
  'If it is the dashboard, the trusted proxy has changed Host without saying what it was: let it keep Host, or set X-Forwarded-Host (nginx: proxy_set_header X-Forwarded-Host $http_host).'
const different =
  'If it is the dashboard, the host that the trusted proxy names (X-Forwarded-Host, X-Forwarded-Proto, Forwarded) is not that of the page: let the outermost proxy set it, with its port.'
const unnamed = 'If it is the dashboard behind the trusted proxy, add the host of the page to listen.hosts.'
