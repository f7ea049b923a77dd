import type { CallToolResult } from '@modelcontextprotocol/client'
import { isJsonObject } from '../../model/data/json-object.ts'

/** In characters of JSON: no sentence is longer. */
const maxErrorLength = 4096

/** What servers write before the sentence itself. */
const prefix = /^(?:error: |mcp error -\d+: |invalid params: |calling tools\/call: )+/

/**
 * Whether a server says that it has no such tool: by an error of JSON-RPC, as MCP asks for, or by a result that is an error, as
 * many SDKs do. Compares whole sentences: the message of a tool that failed may speak of unknown things, too.
 */
export function saysUnknownTool(answer: unknown, tool: string): boolean {
  if (answer instanceof Error) return isUnknownToolError(answer, tool)
  const { isError, content } = answer as Partial<CallToolResult>
  const [first] = content ?? []
  return isError === true && content?.length === 1 && first?.type === 'text' && isUnknown(first.text, tool)
}

function isUnknownToolError(error: ClientError, tool: string): boolean {
  // The client sends no call to a server that announces no tools at all.
  if (error.code === 'CAPABILITY_NOT_SUPPORTED') return true
  const { code, message } = rpcErrorOf(error)
  return isUnknown(message, tool) || nameless(code).includes(plain(message))
}

/** An error of the MCP client; told apart by name, as its classes are loaded with the first call. */
type ClientError = Error & { readonly code?: unknown; readonly data?: unknown }

/** The error of JSON-RPC that a server answered; of the current revision also in a response whose status is one. */
function rpcErrorOf({ name, code, message, data }: ClientError): { code: unknown; message: string } {
  if (name === 'ProtocolError') return { code, message }
  const text = name === 'SdkHttpError' && isJsonObject(data) ? data['text'] : undefined
  const body = typeof text === 'string' && text.length <= maxErrorLength ? parsed(text) : undefined
  const error = isJsonObject(body) && isJsonObject(body['error']) ? body['error'] : {}
  return { code: error['code'], message: typeof error['message'] === 'string' ? error['message'] : '' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isUnknown(text: string, tool: string): boolean {
  const name = plain(tool)
  // A longer text is no such sentence.
  if (text.length > name.length + 100) return false
  return sentencesOf(name).includes(plain(text).replace(/: tool not found$/, ''))
}

function sentencesOf(name: string): string[] {
  const states = ['not found', 'is not found', 'was not found', 'does not exist', 'disabled', 'is disabled']
  return [
    ...states.map((state) => `tool ${name} ${state}`),
    ...['unknown tool', 'no such tool', 'tool not found'].flatMap((state) => [`${state} ${name}`, `${state}: ${name}`]),
  ]
}

/** Sentences without a name. A server without any tool does not know the method. */
function nameless(code: unknown): readonly string[] {
  if (code === -32_601) return ['method not found', 'unknown tool', 'tool not found']
  return code === -32_602 ? ['unknown tool', 'tool not found'] : []
}

/** A sentence without its prefixes, quotes and full stop, in lower case. */
function plain(text: string): string {
  const sentence = text.toLowerCase().replace(/["'`]/g, '')
  return sentence.replace(prefix, '').replace(/\.$/, '').trim()
}
