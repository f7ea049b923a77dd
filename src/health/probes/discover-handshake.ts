import * as z from 'zod'
import type { OutboundStream } from '../../outbound/http-client.ts'
import type { ProbeRequest } from './probe.ts'
import type { RecordingFetch } from './recording-fetch.ts'

const revision = '2026-07-28'
const maxResponseBytes = 65_536
const discoverRequest = JSON.stringify({
  jsonrpc: '2.0',
  id: 'discover',
  method: 'server/discover',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientInfo': { name: 'mcp-roster', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': revision,
  'mcp-method': 'server/discover',
}

const DiscoverResult = z.looseObject({
  supportedVersions: z.array(z.string()),
  capabilities: z.looseObject({}),
  _meta: z
    .looseObject({
      'io.modelcontextprotocol/serverInfo': z
        .looseObject({ name: z.unknown(), version: z.string().optional() })
        .optional(),
    })
    .optional(),
})
export type DiscoverResult = z.output<typeof DiscoverResult>

/** What the server is: one of our revision, one of another revision with `server/discover`, or neither. */
export type HandshakeResult =
  | { readonly type: 'modern'; readonly discovered: DiscoverResult; readonly protocol_version: string }
  | { readonly type: 'other_revision' }
  | { readonly type: 'none' }

/**
 * Sends `server/discover`, the first request of a probe, without the MCP client.
 *
 * This request alone decides the probe of a target that is down, requires a token or speaks the newest revision.
 * Through the MCP client, ten thousand dead targets cost a third of a core and 200 MB of garbage, and every daemon the
 * client's import.
 */
export async function discoverHandshake({ url }: ProbeRequest, { exchange }: RecordingFetch): Promise<HandshakeResult> {
  const stream = await exchange('server/discover', new URL(url), { method: 'POST', headers, body: discoverRequest })
  try {
    const isMcp = /json|event-stream/.test(stream.headers['content-type'] ?? '')
    const response = isMcp ? await firstMessage(stream) : undefined
    const { result, error } = (typeof response === 'object' && response !== null ? response : {}) as Record<
      string,
      unknown
    >
    const discovered = DiscoverResult.safeParse(result)
    if (!discovered.success) return { type: isModernError(error) ? 'other_revision' : 'none' }
    if (!discovered.data.supportedVersions.includes(revision)) return { type: 'other_revision' }
    return { type: 'modern', discovered: discovered.data, protocol_version: revision }
  } finally {
    stream.close()
  }
}

/** Whether the error is one of those that the 2026 revisions added: then the server speaks one of them. */
function isModernError(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return code === -32_020 || code === -32_021 || code === -32_022
}

/** The first JSON message: the body, or the first event of a stream. Undefined where there is none. */
async function firstMessage({ headers, body }: OutboundStream): Promise<unknown> {
  const isEventStream = headers['content-type']?.includes('event-stream') ?? false
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxResponseBytes) return undefined
    const data = isEventStream ? firstData(text) : undefined
    if (data !== undefined) return parseOrUndefined(data)
  }
  return isEventStream ? undefined : parseOrUndefined(text)
}

function firstData(text: string): string | undefined {
  const events = text.split(/\r?\n\r?\n/).slice(0, -1)
  const lines = events.map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')))
  const first = lines.find((data) => data.some((line) => line.slice(5).trim() !== ''))
  return first?.map((line) => line.slice(5)).join('\n')
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
