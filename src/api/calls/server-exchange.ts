import type { CallToolResult } from '@modelcontextprotocol/client'
import type { Deadline } from '../../flow/deadline.ts'
import { openTransport } from '../../health/probes/mcp-client.ts'
import { openRecordingFetch, type OutboundCall, type RecordingFetch } from '../../health/probes/recording-fetch.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { OutboundError } from '../../outbound/outbound-error.ts'
import { Problem } from '../http/problem.ts'
import { createScrub } from './sent-secrets.ts'

type Limits = OutboundCall & { readonly maxBytes: number; readonly deadline: Deadline }

/** Time for the end of a session, in ms: its result is there already. */
const farewellMs = 1000

/**
 * Calls a tool in a session of its own; resolves with the result, without the values that were sent as credentials.
 *
 * The MCP client is loaded with the first call: it is the largest module that the daemon may use.
 *
 * @throws {Problem} The server cannot be reached, answers with an error or too much, or not in time.
 */
export async function callServerTool({
  tool,
  args,
  registered: { server },
  http,
  limits,
}: {
  readonly tool: string
  readonly args: Record<string, unknown>
  readonly registered: RegisteredServer
  readonly http: Pick<HttpClient, 'stream'>
  readonly limits: Limits
}): Promise<CallToolResult> {
  const { scrub, scrubText } = createScrub(limits)
  const mcp = await import('@modelcontextprotocol/client')
  using recording = openRecordingFetch(limits, http, limits.maxBytes)
  const client = new mcp.Client({ name: 'mcp-roster', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const transport = openTransport(mcp, limits, recording)
  const { signal, timeoutMs } = limits
  try {
    const options = { signal, timeout: timeoutMs }
    await client.connect(transport, options)
    // Without a definition the client would first compile the schemas of all tools.
    const toolDefinition = { name: tool, inputSchema: { type: 'object' as const } }
    const result = await client.callTool({ name: tool, arguments: args }, { ...options, toolDefinition })
    return scrub(result) as CallToolResult
  } catch (error) {
    throw problemOf(error, { id: server.id, url: limits.url, recording, limits, scrubText })
  } finally {
    if ('terminateSession' in transport && !signal.aborted) {
      const watchdog = setTimeout(() => void transport.close(), farewellMs)
      await transport.terminateSession().catch(() => undefined)
      clearTimeout(watchdog)
    }
    await client.close().catch(() => undefined)
    await transport.close().catch(() => undefined)
  }
}

type Failed = {
  readonly id: string
  readonly url: string
  readonly recording: RecordingFetch
  readonly limits: Limits
  readonly scrubText: (text: string) => string
}

function problemOf(error: unknown, { id, url, recording, limits, scrubText }: Failed): Problem {
  const cause = { cause: error }
  const reason = limits.deadline.abortReason()
  if (reason?.name === 'TimeoutError')
    return new Problem('call_timeout', `"${id}" did not answer within the time of the call.`, cause)
  if (reason) return new Problem('shutting_down', 'The call was given up.', cause)
  const failure = outboundFailure(recording)
  if (failure?.reason === 'blocked') {
    const detail = `The address of ${new URL(url).host} may not be called: ${failure.message}. ${limits.exceptions ? 'calls.allow' : 'health.allow'} names the networks that may be.`
    return new Problem('call_address_forbidden', detail, cause)
  }
  if (failure?.message.includes('exceed'))
    return new Problem(
      'call_response_too_large',
      `The answer of "${id}" is larger than ${limits.maxBytes} bytes.`,
      cause,
    )
  const text = failure?.message ?? (error instanceof Error ? error.message : 'unknown error')
  const why = redactText(scrubText(text)).slice(0, 500)
  return new Problem('call_failed', `The call of "${id}" failed: ${why}`, cause)
}

function outboundFailure({ exchanges }: RecordingFetch): OutboundError | undefined {
  const last = exchanges.findLast((exchange) => 'error' in exchange)
  return last && 'error' in last ? last.error : undefined
}
