import { LRUCache } from 'lru-cache'
import { createDeadline } from '../../flow/deadline.ts'
import type { Reason } from '../../model/health.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { type DiscoverResult, discoverHandshake } from './discover-handshake.ts'
import { publicDiscovery } from './discovery.ts'
import { hasLists } from './listing.ts'
import { implementationOf, type McpModule, type McpProtocol, probeByClient } from './mcp-client.ts'
import { elapsedMs, type PartialOutcome, type ProbeRequest } from './probe.ts'
import { type Exchange, openRecordingFetch, type RecordingFetch } from './recording-fetch.ts'
import { extensionsOf } from './tools.ts'

const protocols = ['discover', 'initialize', 'sse'] as const

/** LRU capacity, in URLs of servers that do not speak `server/discover`. */
const maxRemembered = 20_000

/**
 * Probes an MCP server: by `server/discover`, else by `initialize` and `ping`, else by the same over HTTP+SSE.
 *
 * Remembers by URL which protocol worked, so that the next probe tries it first.
 */
export function createMcpProbe({ now, loadClient }: { now: () => number; loadClient: () => Promise<McpModule> }) {
  // Created on first use: it allocates for its whole capacity, and most servers do not need it.
  let remembered: LRUCache<string, McpProtocol> | undefined

  function protocolsFor({ url, sse }: ProbeRequest): McpProtocol[] {
    const first = remembered?.get(url) ?? (sse ? 'sse' : 'discover')
    return [first, ...protocols.filter((protocol) => protocol !== first)]
  }

  function remember(url: string, protocol: McpProtocol | undefined): void {
    if (protocol === undefined || protocol === 'discover') {
      remembered?.delete(url)
      return
    }
    remembered ??= new LRUCache({ max: maxRemembered })
    remembered.set(url, protocol)
  }

  return async function probeMcp(limited: ProbeRequest, http: HttpClient): Promise<PartialOutcome> {
    using deadline = createDeadline(limited.timeoutMs, limited.signal)
    const request = { ...limited, signal: deadline.signal() }
    using recording = openRecordingFetch(request, http)
    let failure: unknown
    for (const protocol of protocolsFor(request)) {
      if (wasTried(protocol, recording.exchanges)) continue
      try {
        const { protocol: spoken, outcome } = await tryProtocol(protocol, request, recording)
        remember(request.url, spoken)
        return outcome
      } catch (error) {
        failure = error
        const reason = finalReason(recording.exchanges, error, deadline.abortReason() !== undefined)
        if (reason) return { ok: reason === 'auth_required', reason }
      }
    }
    remember(request.url, undefined)
    return { ok: false, reason: fallbackReason(recording.exchanges, failure) }
  }

  async function tryProtocol(
    protocol: McpProtocol,
    request: ProbeRequest,
    recording: RecordingFetch,
  ): Promise<{ protocol: McpProtocol; outcome: PartialOutcome }> {
    const byClient = async (discover?: DiscoverResult) =>
      probeByClient(await loadClient(), { protocol, request, recording, now, ...(discover ? { discover } : {}) })
    if (protocol !== 'discover') return byClient()
    const start = now()
    const handshake = await discoverHandshake(request, recording)
    if (handshake.type === 'none') throw new Error('the server does not speak server/discover')
    if (handshake.type === 'other_revision') return byClient()
    const { discovered, protocol_version } = handshake
    const response_time_ms = elapsedMs(start, now())
    const discovery = publicDiscovery(discovered, request)
    const base = {
      ok: true,
      reason: 'ok',
      response_time_ms,
      protocol_version,
      ...implementationOf(discovered['_meta']?.['io.modelcontextprotocol/serverInfo']),
      ...(discovery && { discovery }),
    } as const
    const { capabilities: announced } = discovered
    if (!request.learn) return { protocol, outcome: base }
    if (!hasLists(announced)) return { protocol, outcome: { ...base, capabilities: extensionsOf(announced) } }
    const { outcome } = await byClient(discovered)
    return { protocol, outcome: { ...outcome, response_time_ms, ...(discovery && { discovery }) } }
  }
}

/** Whether the MCP client has already tried `initialize` by itself. */
function wasTried(protocol: McpProtocol, exchanges: readonly Exchange[]): boolean {
  return protocol === 'initialize' && exchanges.some(({ sent }) => sent === 'initialize')
}

/** The reason that makes trying further protocols pointless; undefined where another may still work. */
function finalReason(exchanges: readonly Exchange[], error: unknown, isOver: boolean): Reason | undefined {
  const hasStatus = (...statuses: number[]) =>
    exchanges.some((exchange) => 'status' in exchange && statuses.includes(exchange.status))
  if (hasStatus(401, 403)) return 'auth_required'
  if (isOver) return 'timeout'
  const failed = exchanges.findLast((exchange) => 'error' in exchange)
  if (failed && 'error' in failed) return failed.error.reason
  if (isRpcError(error)) return 'protocol'
  return hasStatus(429, 502, 503, 504) ? 'http_status' : undefined
}

/** The reason after all protocols failed: `not_mcp` for a 2xx, else the status. */
function fallbackReason(exchanges: readonly Exchange[], error: unknown): Reason {
  if (isRpcError(error)) return 'protocol'
  const statuses = exchanges.flatMap((exchange) => ('status' in exchange ? [exchange.status] : []))
  if (statuses.some((status) => status >= 500)) return 'http_status'
  return statuses.some((status) => status >= 200 && status < 300) ? 'not_mcp' : 'http_status'
}

/** Whether the server returned a JSON-RPC error. Compared by name, as the client's class may not be loaded. */
function isRpcError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ProtocolError'
}
