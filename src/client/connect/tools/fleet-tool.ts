import type { ServerId } from '../../../model/identity.ts'

/** A tool as its server lists it. */
export type ListedTool = {
  readonly name: string
  readonly description?: string | undefined
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly annotations?:
    | { readonly readOnlyHint?: boolean | undefined; readonly idempotentHint?: boolean | undefined }
    | undefined
}

/** A tool of one server of the fleet. */
export type FleetTool = {
  readonly server: ServerId
  /** Its name in the whole fleet: fits every framework, and never changes. */
  readonly name: string
  readonly tool: ListedTool
}

/** One part of a tool's answer: text, an image, audio or a resource. */
export type ToolContent = {
  readonly type: string
  readonly text?: string | undefined
  /** Base64. */
  readonly data?: string | undefined
  readonly mimeType?: string | undefined
  readonly resource?: { readonly text?: string | undefined; readonly blob?: string | undefined } | undefined
}

/** What a tool answers, by the MCP specification. */
export type ToolResult = {
  readonly content: readonly ToolContent[]
  readonly structuredContent?: unknown
  readonly isError?: boolean | undefined
}

/** Calls a tool of the fleet by its name. Rejects where no answer came; a tool that failed resolves with `isError`. */
export type CallTool = (
  name: string,
  args: Readonly<Record<string, unknown>>,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<ToolResult>

/** The answer as text for a model: texts as they are, other parts as JSON without their bytes. */
export function textOf({ content, structuredContent }: ToolResult): string {
  if (content.length === 0 && structuredContent !== undefined) return JSON.stringify(structuredContent)
  return content.map((part) => part.text ?? part.resource?.text ?? withoutBytes(part)).join('\n')
}

function withoutBytes(part: ToolContent): string {
  return JSON.stringify(part, (key, value: unknown) => (key === 'data' || key === 'blob' ? undefined : value))
}
