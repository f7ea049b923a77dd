import { AnnotationError, locationAnnotation } from './annotations.ts'
import type { Service } from './services.ts'

export type Port = {
  readonly name: string
  readonly port: number
  readonly appProtocol: string
}

/** The application protocols by which agentgateway and kgateway know MCP servers, and what they speak. */
const appProtocols: Readonly<Record<string, 'http' | 'sse'>> = {
  'agentgateway.dev/mcp': 'http',
  'agentgateway.dev/mcp-sse': 'sse',
  'kgateway.dev/mcp': 'http',
  'kgateway.dev/mcp-sse': 'sse',
}

export const isMcpPort = ({ appProtocol }: Port) => Object.hasOwn(appProtocols, appProtocol)

const speaksTls = ({ name, port, appProtocol }: Port) =>
  appProtocol === 'https' || /^https(-|$)/.test(name) || (port === 443 && appProtocol !== 'http')

/** The TCP ports of a Service. */
export function tcpPorts({ spec }: Service): readonly Port[] {
  return (spec?.ports ?? [])
    .filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
    .map(({ name, port, appProtocol }) => ({ name: name ?? '', port, appProtocol: appProtocol ?? '' }))
}

/**
 * The port an MCP server most likely listens on: the one annotated, else one whose `appProtocol` says MCP, else one named
 * `mcp`, `http-mcp`, `https-mcp` or `http`, else the first.
 */
export function choosePort(
  ports: readonly Port[],
  annotated: { text: string; annotation: string } | undefined,
): Port | undefined {
  if (annotated) return annotatedPort(ports, annotated)
  const named = ['mcp', 'http-mcp', 'https-mcp', 'http'].map((name) => ports.find((port) => port.name === name))
  return ports.find(isMcpPort) ?? named.find((port) => port !== undefined) ?? ports[0]
}

/** A number need not be among the ports: a headless Service has none, and is reached at any. */
function annotatedPort(ports: readonly Port[], { text, annotation }: { text: string; annotation: string }): Port {
  const known = ports.find(({ name, port }) => name === text || String(port) === text)
  if (known) return known
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > 65_535)
    throw new AnnotationError(annotation, 'the number of a port, or the name of one of the Service')
  return { name: '', port: number, appProtocol: '' }
}

type Annotations = Readonly<Record<string, string>>

/** What other systems' annotations and application protocols say beside ours. */
export function conventionsOf(annotations: Annotations, port: Port | undefined, kagent: boolean) {
  const gateway = port && isMcpPort(port) ? appProtocols[port.appProtocol] : undefined
  const protocol = kagent ? annotations['kagent.dev/mcp-service-protocol'] : undefined
  return {
    type: gateway ?? (protocol && /sse/i.test(protocol) ? 'sse' : undefined),
    path:
      (gateway && (annotations['agentgateway.dev/mcp-path'] || annotations['kgateway.dev/mcp-path'])) ||
      (kagent && annotations['kagent.dev/mcp-service-path']) ||
      undefined,
  }
}

/** `https` where the port says so, or an annotation. */
export function schemeOf(annotations: Annotations, port: Port): string {
  const scheme = locationAnnotation(annotations, 'scheme')
  if (scheme === undefined) return speaksTls(port) ? 'https' : 'http'
  if (scheme !== 'http' && scheme !== 'https') throw new AnnotationError('mcp-roster.io/scheme', '"http" or "https"')
  return scheme
}
