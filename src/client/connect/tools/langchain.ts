import { type CallTool, type FleetTool, textOf, type ToolResult } from './fleet-tool.ts'

/** The fields of a `DynamicStructuredTool` of LangChain: `tools.map((fields) => new DynamicStructuredTool(fields))`. */
export type LangChainToolFields = {
  readonly name: string
  readonly description: string
  readonly schema: Readonly<Record<string, unknown>>
  /** The text is for the model; the whole answer of the tool is the artifact. */
  readonly responseFormat: 'content_and_artifact'
  readonly metadata: { readonly server: string; readonly tool: string }
  /** Throws where the tool answers that it failed, as LangChain's nodes expect. */
  readonly func: (
    args: Readonly<Record<string, unknown>>,
    run?: unknown,
    config?: { readonly signal?: AbortSignal | undefined },
  ) => Promise<[text: string, artifact: ToolResult]>
}

/** The tools as fields of LangChain 1's `DynamicStructuredTool`. */
export function toLangChainTools(tools: readonly FleetTool[], call: CallTool): LangChainToolFields[] {
  return tools.map(({ name, server, tool }) => ({
    name,
    description: tool.description ?? '',
    schema: tool.inputSchema,
    responseFormat: 'content_and_artifact',
    metadata: { server, tool: tool.name },
    async func(args, _run, config) {
      const result = await call(name, args, { signal: config?.signal })
      if (result.isError) throw new Error(textOf(result))
      return [textOf(result), result]
    },
  }))
}
