import type * as Mcp from '@modelcontextprotocol/client'
import type { DiscoverResult } from './discover-handshake.ts'
import { listCapabilities } from './listing.ts'
import { elapsedMs, type PartialOutcome, type ProbeRequest } from './probe.ts'
import type { OutboundCall, RecordingFetch } from './recording-fetch.ts'
import { sanitizeText } from './tools.ts'

/** How to talk to a server: by `server/discover`, by a session that `initialize` opens, or by one over HTTP+SSE. */
export type McpProtocol = 'discover' | 'initialize' | 'sse'

export type McpModule = typeof Mcp
type Client = InstanceType<McpModule['Client']>
type PriorKnowledge = NonNullable<Mcp.ConnectOptions['prior']>

/** Probes through the MCP client, which gets the result of an earlier `discover` instead of asking again. */
export async function probeByClient(
  mcp: McpModule,
  {
    protocol,
    discover,
    request,
    recording,
    now,
  }: {
    protocol: McpProtocol
    discover?: DiscoverResult
    request: ProbeRequest
    recording: RecordingFetch
    now: () => number
  },
): Promise<{ protocol: McpProtocol; outcome: PartialOutcome }> {
  const start = now()
  const limits = { signal: request.signal, timeout: request.timeoutMs }
  const client = new mcp.Client(
    { name: 'mcp-roster', version: '1' },
    { versionNegotiation: { mode: protocol === 'discover' ? 'auto' : 'legacy' } },
  )
  const transport = openTransport(mcp, { ...request, sse: protocol === 'sse' }, recording)
  try {
    const prior = discover && ({ kind: 'modern', discover } as PriorKnowledge)
    await client.connect(transport, { ...limits, ...(prior ? { prior } : {}) })
    const isModern = client.getProtocolEra() === 'modern'
    if (!isModern) await client.ping(limits)
    const response_time_ms = elapsedMs(start, now())
    const outcome = { ok: true, reason: 'ok', response_time_ms, ...serverInfo(client) } as const
    const spoken = protocol === 'sse' ? 'sse' : isModern ? 'discover' : 'initialize'
    return {
      protocol: spoken,
      outcome: request.learn ? { ...outcome, ...(await listCapabilities(client, limits)) } : outcome,
    }
  } finally {
    if ('terminateSession' in transport && !request.signal.aborted)
      await transport.terminateSession().catch(() => undefined)
    await client.close().catch(() => undefined)
    await transport.close().catch(() => undefined)
  }
}

/** A transport of the MCP client that sends by the outbound HTTP client. */
export function openTransport(mcp: McpModule, request: Pick<OutboundCall, 'url' | 'sse'>, recording: RecordingFetch) {
  return request.sse ? sseTransport(mcp, request, recording) : httpTransport(mcp, request, recording)
}

type Endpoint = Pick<OutboundCall, 'url'>

function httpTransport({ StreamableHTTPClientTransport }: McpModule, { url }: Endpoint, { fetch }: RecordingFetch) {
  return new StreamableHTTPClientTransport(new URL(url), {
    // The client would keep a stream open for notifications; probes and single calls ignore notifications.
    fetch: async (input, init) => (init?.method === 'GET' ? new Response(null, { status: 405 }) : fetch(input, init)),
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1000,
      maxReconnectionDelay: 1000,
      reconnectionDelayGrowFactor: 1,
    },
  })
}

function sseTransport({ SSEClientTransport }: McpModule, { url }: Endpoint, { fetch }: RecordingFetch) {
  return new SSEClientTransport(new URL(url), { fetch })
}

/** Protocol, name and version of a connected server. */
export function serverInfo(client: Client): Pick<PartialOutcome, 'protocol_version' | 'serverName' | 'version'> {
  const protocol_version = sanitizeText(client.getNegotiatedProtocolVersion(), 64)
  return { ...(protocol_version ? { protocol_version } : {}), ...implementationOf(client.getServerVersion()) }
}

/** What a server says of itself: untrusted, so bounded and cleaned. */
export function implementationOf(
  stated: { readonly name?: unknown; readonly version?: unknown } | undefined,
): Pick<PartialOutcome, 'serverName' | 'version'> {
  const serverName = sanitizeText(stated?.name, 253)
  const version = sanitizeText(stated?.version, 253)
  return { ...(serverName ? { serverName } : {}), ...(version ? { version } : {}) }
}
