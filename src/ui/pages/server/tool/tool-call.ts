import { signal } from '@preact/signals'
import { request } from '../../../data/api.ts'
import { serverPath } from '../server-answer.ts'

/** One part of the answer of a tool (`CallToolResult` of MCP). It comes from a server: every field may be absent. */
export type ContentPart = {
  readonly type?: string
  readonly text?: string
  readonly data?: string
  readonly mimeType?: string
  readonly uri?: string
  readonly name?: string
  readonly description?: string
  readonly resource?: {
    readonly uri?: string
    readonly mimeType?: string
    readonly text?: string
    readonly blob?: string
  }
}

export type ToolCallAnswer = {
  readonly content?: readonly ContentPart[]
  readonly structuredContent?: unknown
  readonly isError?: boolean
}

type ToolPlace = { readonly namespace: string; readonly name: string; readonly tool: string }

/** Maximum time that the page waits for a tool, in ms. */
const maxWaitMs = 120_000

/** Calls a tool through the daemon. */
export async function callTool(
  { tool, ...server }: ToolPlace,
  values: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<ToolCallAnswer> {
  const path = `${serverPath(server)}/tools/${encodeURIComponent(tool)}`
  const options = { method: 'POST', body: { arguments: values }, signal, timeoutMs: maxWaitMs } as const
  const { result } = await request<{ readonly result: ToolCallAnswer }>(path, options)
  return result
}

/** A call that this tab made. */
export type PastCall = {
  readonly at: number
  readonly id: string
  readonly tool: string
  readonly values: Readonly<Record<string, unknown>>
  readonly durationMs: number
  /** `ok`, `error` where the tool reports one, else the code of the daemon. */
  readonly outcome: string
  readonly message?: string
  /** Absent where it was too large to keep. */
  readonly answer?: ToolCallAnswer
}

const key = 'mcp-roster calls'
const maxCalls = 30
/** Longest answer or arguments that are kept, as JSON, in characters. */
const maxKept = 20_000

export const pastCalls = signal<readonly PastCall[]>(readCalls())

/** Puts a call before the earlier ones. */
export function rememberCall(call: PastCall): void {
  const { answer, ...rest } = call
  if (JSON.stringify(rest.values).length > maxKept) return
  const isSmall = JSON.stringify(answer ?? null).length <= maxKept
  pastCalls.value = [isSmall ? call : rest, ...pastCalls.peek()].slice(0, maxCalls)
  store()
}

export function forgetCalls(): void {
  pastCalls.value = []
  store()
}

function store(): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(pastCalls.peek()))
  } catch {
    // Full: the calls stay in this page.
  }
}

function readCalls(): readonly PastCall[] {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '[]') as readonly PastCall[]
  } catch {
    return []
  }
}
