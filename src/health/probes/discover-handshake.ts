import * as z from 'zod'
import type { OutboundStream } from '../../outbound/http-client.ts'
import type { ProbeRequest } from './probe.ts'
import type { RecordingFetch } from './recording-fetch.ts'

const revision = '2026-07-28'
const mostBytes = 65_536
const question = JSON.stringify({
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
    .looseObject({ 'io.modelcontextprotocol/serverInfo': z.looseObject({ version: z.string().optional() }).optional() })
    .optional(),
})
export type DiscoverResult = z.output<typeof DiscoverResult>

/** What the first question brought: a server of our revision, one of another modern one, or no such thing. */
export type HandshakeResult =
  | { readonly type: 'modern'; readonly discovered: DiscoverResult; readonly protocol_version: string }
  | { readonly type: 'odd' }
  | { readonly type: 'other' }

/**
 * Asks the first question, `server/discover`, without the MCP client.
 *
 * This one message decides most probes: those of targets that are down, want a token or speak the newest revision.
 * Through the client, ten thousand dead targets cost a third of a core and 200 MB of garbage, and the daemon its import.
 */
export async function discoverHandshake(ask: ProbeRequest, { exchange }: RecordingFetch): Promise<HandshakeResult> {
  const stream = await exchange('server/discover', new URL(ask.url), { method: 'POST', headers, body: question })
  try {
    const answer = /json|event-stream/.test(stream.headers['content-type'] ?? '')
      ? await firstMessage(stream)
      : undefined
    const { result, error } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>
    const discovered = DiscoverResult.safeParse(result)
    if (discovered.success) {
      const known = discovered.data.supportedVersions.includes(revision)
      return known ? { type: 'modern', discovered: discovered.data, protocol_version: revision } : { type: 'odd' }
    }
    return { type: isModernError(error) ? 'odd' : 'other' }
  } finally {
    stream.close()
  }
}

/** The errors of the 2026 revisions: whoever knows them speaks one, if not ours. */
function isModernError(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return code === -32_020 || code === -32_021 || code === -32_022
}

/** The first JSON there is: the body, or the first event of a stream. Undefined where there is none. */
async function firstMessage({ headers, body }: OutboundStream): Promise<unknown> {
  const events = headers['content-type']?.includes('event-stream') ?? false
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > mostBytes) return undefined
    const data = events ? firstData(text) : undefined
    if (data !== undefined) return parsed(data)
  }
  return events ? undefined : parsed(text)
}

function firstData(text: string): string | undefined {
  const events = text.split(/\r?\n\r?\n/).slice(0, -1)
  const lines = events.map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')))
  const first = lines.find((data) => data.some((line) => line.slice(5).trim() !== ''))
  return first?.map((line) => line.slice(5)).join('\n')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
