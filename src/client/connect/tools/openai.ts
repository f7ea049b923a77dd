import { type CallTool, type FleetTool, textOf } from './fleet-tool.ts'

/**
 * A function for the Responses API of OpenAI (sent as JSON, without its functions) and for `@openai/agents`, which calls
 * `invoke` itself.
 */
export type OpenAiTool = {
  readonly type: 'function'
  readonly name: string
  readonly description: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly strict: false
  readonly needsApproval: () => Promise<boolean>
  readonly isEnabled: () => Promise<boolean>
  /** Arguments as JSON in, the answer as text out; also where the tool failed, so that the model reads why. */
  readonly invoke: (
    context: unknown,
    args: string,
    details?: { readonly signal?: AbortSignal | undefined },
  ) => Promise<string>
}

/** A function for chat completions, and for `client.chat.completions.runTools`, which calls it itself. */
export type OpenAiChatTool = {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description: string
    readonly parameters: Readonly<Record<string, unknown>>
    readonly function: (args: string) => Promise<string>
  }
}

/** The tools as functions for the Responses API and `@openai/agents`. */
export function toOpenAiTools(tools: readonly FleetTool[], call: CallTool): OpenAiTool[] {
  return tools.map(({ name, tool }) => ({
    type: 'function',
    name,
    description: tool.description ?? '',
    parameters: tool.inputSchema,
    strict: false,
    needsApproval: async () => false,
    isEnabled: async () => true,
    invoke: (_context, args, details) => invoke(call, name, args, details?.signal),
  }))
}

/** The tools as functions for chat completions. */
export function toOpenAiChatTools(tools: readonly FleetTool[], call: CallTool): OpenAiChatTool[] {
  return tools.map(({ name, tool }) => ({
    type: 'function',
    function: {
      name,
      description: tool.description ?? '',
      parameters: tool.inputSchema,
      function: (args) => invoke(call, name, args, undefined),
    },
  }))
}

async function invoke(call: CallTool, name: string, args: string, signal: AbortSignal | undefined): Promise<string> {
  const parsed = parsedArguments(args)
  if (!parsed) return `The arguments of ${name} are not a JSON object.`
  return textOf(await call(name, parsed, { signal }))
}

/** The arguments that a model wrote; undefined where they are no JSON object. An empty text means none. */
function parsedArguments(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text || '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
