import type { CallToolResult } from '@modelcontextprotocol/client'
import type { Deadline } from '../../flow/deadline.ts'
import { openRecordingFetch, type OutboundCall, type RecordingFetch } from '../../health/probes/recording-fetch.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { isDeeperThan } from '../../model/data/json-object.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { HttpClient } from '../../outbound/http-client.ts'
import type { OutboundError } from '../../outbound/outbound-error.ts'
import { Problem } from '../http/problem.ts'
import { createScrub } from './sent-secrets.ts'
import { openServerSession, type ServerSession } from './server-session.ts'
import { saysUnknownTool } from './unknown-tool.ts'

type Limits = OutboundCall & { readonly maxBytes: number; readonly deadline: Deadline }

/** Nesting of a result, in levels: many parsers of JSON read no more. */
const maxResultLevels = 256

/** Maximum number of tools that a problem names. */
const maxNamedTools = 20

/**
 * Calls a tool in a session of its own; resolves with the result, without the values that were sent as credentials.
 *
 * The MCP client is loaded with the first call: it is the largest module that the daemon may use.
 *
 * @throws {Problem} The server cannot be reached, has no such tool, answers with an error or too much, or not in time.
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
  const sending = new AbortController()
  const stop = () => sending.abort()
  using recording = openRecordingFetch({ ...limits, signal: sending.signal }, http, limits.maxBytes)
  const { signal, timeoutMs } = limits
  let session: ServerSession | undefined
  try {
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    session = await openServerSession(mcp, limits, recording)
    // From now on the session sends for a moment longer than its call may take: it tells the server to stop.
    signal.removeEventListener('abort', stop)
    // Without a definition the client would first compile the schemas of all tools.
    const toolDefinition = { name: tool, inputSchema: { type: 'object' as const } }
    const options = { signal, timeout: timeoutMs, toolDefinition }
    const result = await session.client.callTool({ name: tool, arguments: args }, options)
    if (saysUnknownTool(result, tool)) throw unknownTool(server, tool)
    if (isDeeperThan(result, maxResultLevels)) throw tooDeep(server)
    return scrub(result) as CallToolResult
  } catch (error) {
    if (error instanceof Problem) throw error
    if (saysUnknownTool(error, tool)) throw unknownTool(server, tool, error)
    throw problemOf(error, { id: server.id, url: limits.url, recording, limits, scrubText })
  } finally {
    await session?.close()
    signal.removeEventListener('abort', stop)
    stop()
  }
}

function unknownTool({ id, capabilities }: RegisteredServer['server'], tool: string, cause?: unknown): Problem {
  const known = capabilities.filter(({ kind }) => kind === 'tool').map(({ name }) => name)
  const some = known.slice(0, maxNamedTools)
  const more = known.length > some.length ? `, and ${known.length - some.length} more` : ''
  const list = some.length > 0 ? ` Its tools: ${some.join(', ')}${more}.` : ''
  return new Problem('tool_not_found', `"${id}" has no tool "${tool.slice(0, 253)}".${list}`, { cause })
}

function tooDeep({ id }: RegisteredServer['server']): Problem {
  const detail = `The result of "${id}" is nested deeper than ${maxResultLevels} levels.`
  return new Problem('call_response_too_deep', detail)
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
