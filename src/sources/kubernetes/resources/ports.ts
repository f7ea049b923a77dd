import * as z from 'zod'
import { AnnotationError, locationAnnotation } from './annotations.ts'

export const ServicePort = z.object({
  name: z.string().nullish(),
  port: z.number(),
  protocol: z.string().nullish(),
  appProtocol: z.string().nullish(),
})

export type TcpPort = {
  readonly name: string
  readonly port: number
  readonly appProtocol: string
}

/** The transports behind the application protocols with which agentgateway and kgateway mark MCP servers. */
const transports: Readonly<Record<string, 'http' | 'sse'>> = {
  'agentgateway.dev/mcp': 'http',
  'agentgateway.dev/mcp-sse': 'sse',
  'kgateway.dev/mcp': 'http',
  'kgateway.dev/mcp-sse': 'sse',
}

const preferredNames = ['mcp', 'http-mcp', 'https-mcp', 'http']

export const isMcpPort = ({ appProtocol }: TcpPort) => Object.hasOwn(transports, appProtocol)

const isTlsPort = ({ name, port, appProtocol }: TcpPort) =>
  appProtocol === 'https' || /^https(-|$)/.test(name) || (port === 443 && appProtocol !== 'http')

/** The TCP ports among the ports of a Service. */
export function tcpPorts(ports: readonly z.output<typeof ServicePort>[]): readonly TcpPort[] {
  return ports
    .filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
    .map(({ name, port, appProtocol }) => ({ name: name ?? '', port, appProtocol: appProtocol ?? '' }))
}

/**
 * The most likely port of the MCP server: the annotated one, else one with an MCP `appProtocol`, else one named `mcp`,
 * `http-mcp`, `https-mcp` or `http`, else the first.
 */
export function choosePort(
  ports: readonly TcpPort[],
  annotated: { text: string; annotation: string } | undefined,
): TcpPort | undefined {
  if (annotated) return annotatedPort(ports, annotated)
  const named = preferredNames.map((name) => ports.find((port) => port.name === name))
  return ports.find(isMcpPort) ?? named.find((port) => port !== undefined) ?? ports[0]
}

/** A number may be missing among the ports: a headless Service lists none and accepts any. */
function annotatedPort(ports: readonly TcpPort[], { text, annotation }: { text: string; annotation: string }): TcpPort {
  const listed = ports.find(({ name, port }) => name === text || String(port) === text)
  if (listed) return listed
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > 65_535)
    throw new AnnotationError(annotation, 'must be a port number, or the name of a port of the Service')
  return { name: '', port: number, appProtocol: '' }
}

type Annotations = Readonly<Record<string, string>>

/** The transport and path that annotations and application protocols of other systems declare. */
export function foreignConventions(annotations: Annotations, port: TcpPort | undefined, isKagent: boolean) {
  const gateway = port && isMcpPort(port) ? transports[port.appProtocol] : undefined
  const protocol = isKagent ? annotations['kagent.dev/mcp-service-protocol'] : undefined
  return {
    type: gateway ?? (protocol && /sse/i.test(protocol) ? 'sse' : undefined),
    path:
      (gateway && (annotations['agentgateway.dev/mcp-path'] || annotations['kgateway.dev/mcp-path'])) ||
      (isKagent && annotations['kagent.dev/mcp-service-path']) ||
      undefined,
  }
}

/** The scheme of the URL: the annotated one, else `https` for a TLS port. */
export function schemeOf(annotations: Annotations, port: TcpPort): string {
  const scheme = locationAnnotation(annotations, 'scheme')
  if (scheme === undefined) return isTlsPort(port) ? 'https' : 'http'
  if (scheme !== 'http' && scheme !== 'https')
    throw new AnnotationError('mcp-roster.io/scheme', 'must be "http" or "https"')
  return scheme
}
