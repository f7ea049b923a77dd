import { type CallTool, type FleetTool, textOf, type ToolContent, type ToolResult } from './fleet-tool.ts'

/** How the AI SDK recognises a schema that it did not make itself. */
const schemaMark = Symbol.for('vercel.ai.schema')

/** A tool for `generateText`, `streamText` and agents of the AI SDK. */
export type AiSdkTool = {
  readonly type: 'dynamic'
  readonly description: string
  readonly inputSchema: AnySchema
  readonly execute: (
    input: unknown,
    options?: { readonly abortSignal?: AbortSignal | undefined },
  ) => Promise<ToolResult>
  readonly toModelOutput: (answer: { readonly output: unknown }) => AiSdkOutput
}

/** A Standard Schema that accepts every value: the server validates. */
type AnySchema = {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => { readonly value: unknown }
  }
}

type AiSdkOutput = { type: 'error-text'; value: string } | { type: 'content'; value: AiSdkPart[] }

type AiSdkPart =
  | { type: 'text'; text: string }
  | { type: 'file'; data: { type: 'data'; data: string }; mediaType: string }

/** The tools as a `tools` object of the AI SDK 7, by their names. */
export function toAiSdkTools(tools: readonly FleetTool[], call: CallTool): Record<string, AiSdkTool> {
  return Object.fromEntries(tools.map((one) => [one.name, toAiSdkTool(one, call)]))
}

function toAiSdkTool({ name, tool: { description, inputSchema } }: FleetTool, call: CallTool): AiSdkTool {
  return {
    type: 'dynamic',
    description: description ?? '',
    inputSchema: toSchema(inputSchema),
    execute: (input, { abortSignal } = {}) =>
      call(name, (input ?? {}) as Record<string, unknown>, { signal: abortSignal }),
    toModelOutput: ({ output }) => toModelOutput(output as ToolResult),
  }
}

/** The SDK reads the JSON Schema by its own mark, unchanged; its types know the Standard Schema only. */
function toSchema(jsonSchema: Readonly<Record<string, unknown>>): AnySchema {
  const standard = { version: 1, vendor: 'mcp-roster', validate: (value: unknown) => ({ value }) } as const
  const marked = { '~standard': standard, [schemaMark]: true, jsonSchema, validate: undefined }
  return marked
}

function toModelOutput(result: ToolResult): AiSdkOutput {
  if (result.isError) return { type: 'error-text', value: textOf(result) }
  if (result.content.length === 0) return { type: 'content', value: [{ type: 'text', text: textOf(result) }] }
  return { type: 'content', value: result.content.map(toPart) }
}

function toPart(part: ToolContent): AiSdkPart {
  const { data, mimeType } = part
  if (data === undefined || mimeType === undefined) return { type: 'text', text: textOf({ content: [part] }) }
  return { type: 'file', data: { type: 'data', data }, mediaType: mimeType }
}
