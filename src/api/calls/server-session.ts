import { type McpModule, openTransport } from '../../health/probes/mcp-client.ts'
import type { Exchange, OutboundCall, RecordingFetch } from '../../health/probes/recording-fetch.ts'

/** Time for the end of a session, in ms: its result is there already, or its caller has left. */
const farewellMs = 1000

export type ServerSession = Awaited<ReturnType<typeof openServerSession>>

/**
 * Opens a session with a server. Over HTTP+SSE where the definition says so, or where the server rejects `initialize`: that is how
 * servers from before Streamable HTTP are recognised. `close` tells the server that the session ends.
 */
export async function openServerSession(
  mcp: McpModule,
  limits: Pick<OutboundCall, 'url' | 'sse' | 'signal' | 'timeoutMs'>,
  recording: RecordingFetch,
) {
  try {
    return await connect(mcp, limits, recording)
  } catch (error) {
    if (limits.sse || !rejectsInitialize(recording.exchanges)) throw error
    return await connect(mcp, { ...limits, sse: true }, recording).catch(() => {
      throw error
    })
  }
}

async function connect(
  mcp: McpModule,
  limits: Pick<OutboundCall, 'url' | 'sse' | 'signal' | 'timeoutMs'>,
  recording: RecordingFetch,
) {
  const client = new mcp.Client({ name: 'mcp-roster', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const transport = openTransport(mcp, limits, recording)

  async function close(): Promise<void> {
    if ('terminateSession' in transport) {
      const watchdog = setTimeout(() => void transport.close(), farewellMs)
      await transport.terminateSession().catch(() => undefined)
      clearTimeout(watchdog)
    }
    await client.close().catch(() => undefined)
    await transport.close().catch(() => undefined)
  }

  try {
    await client.connect(transport, { signal: limits.signal, timeout: limits.timeoutMs })
    return { client, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Statuses of a request that a server understood, but does not serve now or for this caller. */
const understood = new Set([401, 403, 408, 429])

function rejectsInitialize(exchanges: readonly Exchange[]): boolean {
  const last = exchanges.findLast(({ sent }) => sent === 'initialize')
  return (
    last !== undefined && 'status' in last && last.status >= 400 && last.status < 500 && !understood.has(last.status)
  )
}
