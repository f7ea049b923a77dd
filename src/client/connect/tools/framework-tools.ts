import { FleetError } from '../fleet-error.ts'
import { type AiSdkTool, toAiSdkTools } from './ai-sdk.ts'
import type { CallTool, FleetTool, ToolResult } from './fleet-tool.ts'
import { type LangChainToolFields, toLangChainTools } from './langchain.ts'
import { type OpenAiChatTool, type OpenAiTool, toOpenAiChatTools, toOpenAiTools } from './openai.ts'

/** The tools of a fleet in the form of each framework. */
export type FrameworkTools = {
  readonly 'ai-sdk': Record<string, AiSdkTool>
  readonly langchain: LangChainToolFields[]
  readonly openai: OpenAiTool[]
  readonly 'openai-chat': OpenAiChatTool[]
}

type Parts = {
  readonly list: () => readonly FleetTool[]
  readonly call: (
    tool: FleetTool,
    args: Readonly<Record<string, unknown>>,
    options: { readonly signal?: AbortSignal | undefined },
  ) => Promise<ToolResult>
}

/**
 * Gives the tools of a fleet to frameworks. What was given once can be called for ever: the tool of a server that is gone answers
 * with `isError`, so that the model can read why.
 */
export function createFrameworkTools({ list, call }: Parts) {
  /** The tools that are known now, for one framework. */
  return function tools<Format extends keyof FrameworkTools>(format: Format): FrameworkTools[Format] {
    if (!Object.hasOwn(makers, format))
      throw new TypeError(`the tools of a fleet come as ${Object.keys(makers).join(', ')}`)
    const listed = list()
    const byName = new Map(listed.map((one) => [one.name, one]))
    const callListed: CallTool = async (name, args, { signal }) => {
      const tool = byName.get(name)
      if (!tool) return failure(`there is no tool ${name}`)
      try {
        return await call(tool, args, { signal })
      } catch (error) {
        if (error instanceof FleetError) return failure(error.message)
        throw error
      }
    }
    return makers[format](listed, callListed)
  }
}

const makers: {
  readonly [Format in keyof FrameworkTools]: (tools: readonly FleetTool[], call: CallTool) => FrameworkTools[Format]
} = { 'ai-sdk': toAiSdkTools, langchain: toLangChainTools, openai: toOpenAiTools, 'openai-chat': toOpenAiChatTools }

const failure = (text: string): ToolResult => ({ isError: true, content: [{ type: 'text', text }] })
