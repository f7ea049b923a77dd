import type * as Mcp from '@modelcontextprotocol/client'
import * as z from 'zod'
import { createDeadline } from '../../flow/deadline.ts'
import type { Reason } from '../../model/health.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import { type DiscoverResult, discoverHandshake } from './discover-handshake.ts'
import type { ProbeRequest, ProbeOutcome } from './probe.ts'
import { openRecordingFetch, type RecordingFetch, type Step } from './recording-fetch.ts'
import { capabilitiesOf, clean } from './tools.ts'

/** How a server is spoken to: by `server/discover`, by a session that `initialize` opens, or by one over HTTP+SSE. */
type Era = 'discover' | 'initialize' | 'sse'

const mostRemembered = 20_000
const mostPages = 50
const ToolsPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() })

type Client = typeof Mcp
type Prior = NonNullable<Mcp.ConnectOptions['prior']>

/**
 * Asks an MCP server whether it lives: `server/discover`, else `initialize` and `ping`, else the same over HTTP+SSE.
 *
 * The era that worked is remembered by URL, so that the next probe asks at once what the server understands.
 */
export function createMcpProbe({ door, now }: { door: HttpClient; now: () => number }) {
  const eras = new Map<string, Era>()
  let loading: Promise<Client> | undefined

  function ladder({ url, sse }: ProbeRequest): Era[] {
    const first = eras.get(url) ?? (sse ? 'sse' : 'discover')
    return [first, ...(['discover', 'initialize', 'sse'] as const).filter((era) => era !== first)]
  }

  function remember(url: string, era: Era | undefined): void {
    eras.delete(url)
    if (era === undefined || era === 'discover') return
    eras.set(url, era)
    const [oldest] = eras.keys()
    if (eras.size > mostRemembered && oldest !== undefined) eras.delete(oldest)
  }

  return async function probeMcp(asked: ProbeRequest): Promise<Found> {
    using deadline = createDeadline(asked.timeoutMs, asked.signal)
    const ask = { ...asked, signal: deadline.signal() }
    using passage = openRecordingFetch(ask, door)
    let failure: unknown
    for (const era of ladder(ask)) {
      if (!isWorthwhile(era, passage.steps)) continue
      try {
        const { era: spoken, finding } = await climb(era, ask, passage)
        remember(ask.url, spoken)
        return finding
      } catch (error) {
        failure = error
        const reason = conclusion(passage.steps, error, deadline.abortReason() !== undefined)
        if (reason) return { ok: reason === 'auth_required', reason }
      }
    }
    remember(ask.url, undefined)
    return { ok: false, reason: summary(passage.steps, failure) }
  }

  async function climb(era: Era, ask: ProbeRequest, passage: RecordingFetch): Promise<{ era: Era; finding: Found }> {
    if (era !== 'discover') return meet(await client(), era, {}, ask, passage, now)
    const start = now()
    const scouted = await discoverHandshake(ask, passage)
    if (scouted.type === 'other') throw new Error('is no server of a modern revision')
    if (scouted.type === 'odd') return meet(await client(), era, {}, ask, passage, now)
    const { discovered, protocol_version } = scouted
    const response_time_ms = elapsed(start, now())
    const version = clean(discovered['_meta']?.['io.modelcontextprotocol/serverInfo']?.version, 253)
    const finding = {
      ok: true,
      reason: 'ok',
      response_time_ms,
      protocol_version,
      ...(version ? { version } : {}),
    } as const
    if (!ask.learn) return { era, finding }
    if (!discovered.capabilities['tools']) return { era, finding: { ...finding, capabilities: [] } }
    const { finding: met } = await meet(await client(), era, { discover: discovered }, ask, passage, now)
    return { era, finding: { ...met, response_time_ms } }
  }

  /** Loaded when it has to be: it is the heaviest thing a probe may need. */
  async function client(): Promise<Client> {
    loading ??= import('@modelcontextprotocol/client')
    return loading
  }
}

type Found = Omit<ProbeOutcome, 'response_time_ms'> & { readonly response_time_ms?: number }

function elapsed(start: number, end: number): number {
  return Math.round((end - start) * 100) / 100
}

/** The client may have tried `initialize` by itself. */
function isWorthwhile(era: Era, steps: readonly Step[]): boolean {
  return era !== 'initialize' || !steps.some(({ sent }) => sent === 'initialize')
}

/** Speaks to the server through the MCP client, which is told what is known of the server already. */
async function meet(
  mcp: Client,
  era: Era,
  { discover }: { discover?: DiscoverResult },
  ask: ProbeRequest,
  passage: RecordingFetch,
  now: () => number,
) {
  const start = now()
  const limits = { signal: ask.signal, timeout: ask.timeoutMs }
  const client = new mcp.Client(
    { name: 'mcp-roster', version: '1' },
    { versionNegotiation: { mode: era === 'discover' ? 'auto' : 'legacy' } },
  )
  const transport = era === 'sse' ? overSse(mcp, ask, passage) : overHttp(mcp, ask, passage)
  try {
    await client.connect(transport, {
      ...limits,
      ...(discover ? { prior: { kind: 'modern', discover } as Prior } : {}),
    })
    const modern = client.getProtocolEra() === 'modern'
    if (!modern) await client.ping(limits)
    const response_time_ms = elapsed(start, now())
    const finding = { ok: true, reason: 'ok', response_time_ms, ...said(client) } as const
    const spoken: Era = era === 'sse' ? 'sse' : modern ? 'discover' : 'initialize'
    return { era: spoken, finding: ask.learn ? { ...finding, ...(await learn(client, limits)) } : finding }
  } finally {
    if ('terminateSession' in transport && !ask.signal.aborted)
      await transport.terminateSession().catch(() => undefined)
    await client.close().catch(() => undefined)
    await transport.close().catch(() => undefined)
  }
}

function overHttp({ StreamableHTTPClientTransport }: Client, { url }: ProbeRequest, { fetch }: RecordingFetch) {
  return new StreamableHTTPClientTransport(new URL(url), {
    // The client would keep a stream open for notifications; a probe has no ear for them.
    fetch: async (input, init) => (init?.method === 'GET' ? new Response(null, { status: 405 }) : fetch(input, init)),
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1000,
      maxReconnectionDelay: 1000,
      reconnectionDelayGrowFactor: 1,
    },
  })
}

function overSse({ SSEClientTransport }: Client, { url }: ProbeRequest, { fetch }: RecordingFetch) {
  return new SSEClientTransport(new URL(url), { fetch })
}

type Connected = InstanceType<Client['Client']>

function said(client: Connected): { protocol_version?: string; version?: string } {
  const protocol_version = clean(client.getNegotiatedProtocolVersion(), 64)
  const version = clean(client.getServerVersion()?.version, 253)
  return { ...(protocol_version ? { protocol_version } : {}), ...(version ? { version } : {}) }
}

/** The server's tools, page by page; nothing where it does not tell. It lives all the same. */
async function learn(
  client: Connected,
  limits: { signal: AbortSignal; timeout: number },
): Promise<Pick<ProbeOutcome, 'capabilities'>> {
  if (!client.getServerCapabilities()?.tools) return { capabilities: [] }
  const tools: unknown[] = []
  try {
    let cursor: string | undefined
    for (let page = 0; page < mostPages && tools.length < 500; page++) {
      // By our own lenient schema: one odd tool does not hide its neighbours, and no foreign schema is compiled.
      const answer = await client.request(
        { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
        ToolsPage,
        limits,
      )
      tools.push(...answer.tools)
      if (answer.nextCursor === undefined || answer.nextCursor === cursor) break
      cursor = answer.nextCursor
    }
    return { capabilities: capabilitiesOf(tools) }
  } catch {
    return {} // what was known of it stays
  }
}

/** Why going down the ladder makes no sense; undefined where another era may still be understood. */
function conclusion(steps: readonly Step[], error: unknown, isOver: boolean): Reason | undefined {
  if (steps.some((step) => 'status' in step && (step.status === 401 || step.status === 403))) return 'auth_required'
  const last = steps.findLast((step) => 'error' in step)
  if (isOver) return 'timeout'
  if (last && 'error' in last) return last.error.reason
  if (isRpcError(error)) return 'protocol'
  const busy = steps.some((step) => 'status' in step && [429, 502, 503, 504].includes(step.status))
  return busy ? 'http_status' : undefined
}

/** Nothing was understood: a 2xx came from something that is no MCP server, anything else is the status's own fault. */
function summary(steps: readonly Step[], error: unknown): Reason {
  if (isRpcError(error)) return 'protocol'
  const statuses = steps.flatMap((step) => ('status' in step ? [step.status] : []))
  if (statuses.some((status) => status >= 500)) return 'http_status'
  return statuses.some((status) => status >= 200 && status < 300) ? 'not_mcp' : 'http_status'
}

/** The server answered in JSON-RPC that it will not. The client's own class may not be loaded. */
function isRpcError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ProtocolError'
}
