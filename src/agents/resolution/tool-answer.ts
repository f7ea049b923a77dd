import { jsonEqual } from '../../model/data/json-equal.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import { mapValues } from '../../model/data/map-values.ts'
import type { Offer } from './offers/offer.ts'

/** The place of a dependency in the answer to a heartbeat. Without a provider, its texts are empty: never null. */
export type ResolvedSlot = {
  readonly agent_id: string
  readonly capability: string
  readonly function_name: string
  readonly endpoint: string
  readonly kwargs?: JsonObject
  readonly status: 'available' | 'unavailable'
}

/** What the answer to a heartbeat says of dependencies and language models. */
export type ToolAnswer = {
  /** By function with dependencies: their places, in the order of declaration. */
  readonly dependencies_resolved: Readonly<Record<string, readonly ResolvedSlot[]>>
  /** By function with a filter: the tools that it selects. */
  readonly llm_tools: Readonly<Record<string, readonly JsonObject[]>>
  /** By function whose request has a provider; absent where none has. */
  readonly llm_providers?: Readonly<Record<string, JsonObject>>
  /** What the answer leaves out. */
  readonly warnings?: readonly string[]
}

export function toSlot(offer: Offer | undefined, capability: string): ResolvedSlot {
  if (!offer) return { agent_id: '', capability, function_name: '', endpoint: '', status: 'unavailable' }
  const { provider, tool } = offer
  return {
    agent_id: provider.id,
    capability: tool.capability,
    function_name: tool.function_name,
    endpoint: provider.endpoint,
    ...(tool.kwargs && { kwargs: tool.kwargs }),
    status: 'available',
  }
}

/**
 * The answer without the places behind a function's last provider.
 *
 * A runtime that keeps a provider for as long as the answer has its place drops it then. Places before a provider stay:
 * such a runtime counts them.
 */
export function withoutTrailingGaps(answer: ToolAnswer): ToolAnswer {
  const dependencies_resolved = mapValues(answer.dependencies_resolved, (slots) =>
    slots.slice(0, slots.findLastIndex(({ status }) => status === 'available') + 1),
  )
  return { ...answer, dependencies_resolved }
}

/** The tools for language models that have been made, each with its size. */
const llmTools = new WeakMap<Offer, { readonly view: JsonObject; readonly bytes: number }>()

/** A tool for a language model: one object for all answers that have it. */
export function toLlmTool(offer: Offer): JsonObject {
  return sizedLlmTool(offer).view
}

/** The size of a tool for a language model in an answer. */
export function llmToolBytes(offer: Offer): number {
  return sizedLlmTool(offer).bytes
}

function sizedLlmTool(offer: Offer): { readonly view: JsonObject; readonly bytes: number } {
  let sized = llmTools.get(offer)
  if (!sized) {
    const view = llmToolView(offer)
    sized = { view, bytes: Buffer.byteLength(JSON.stringify(view)) + 1 }
    llmTools.set(offer, sized)
  }
  return sized
}

function llmToolView({ provider, tool }: Offer): JsonObject {
  return {
    name: tool.function_name,
    capability: tool.capability,
    description: tool.description ?? '',
    endpoint: reachable(provider.endpoint),
    inputSchema: tool.input_schema,
    tags: tool.tags,
    version: tool.version,
    agent_id: provider.id,
  }
}

/** A function that serves a language model. */
export function toLlmProvider({ provider, tool }: Offer): JsonObject {
  const vendor = tool.kwargs?.['vendor']
  return {
    agent_id: provider.id,
    name: tool.function_name,
    endpoint: reachable(provider.endpoint),
    capability: tool.capability,
    status: 'available',
    vendor: typeof vendor === 'string' ? vendor : 'unknown',
    tags: tool.tags,
    version: tool.version,
    ...(tool.kwargs && { kwargs: tool.kwargs }),
  }
}

/** Whether two offers read alike in the place of a dependency. */
export function isSameSlot(a: Offer | undefined, b: Offer | undefined): boolean {
  if (a === b) return true
  if (!a || !b || a.provider.id !== b.provider.id || a.provider.endpoint !== b.provider.endpoint) return false
  if (a.tool === b.tool) return true
  return a.tool.function_name === b.tool.function_name && jsonEqual(a.tool.kwargs, b.tool.kwargs)
}

/** Whether two offers read alike as the tools or as the provider of a language model. */
export function isSameForModel(a: Offer | undefined, b: Offer | undefined): boolean {
  return isSameSlot(a, b) && (a?.tool === b?.tool || (a && b ? jsonEqual(toLlmTool(a), toLlmTool(b)) : true))
}

/** An agent that listens on every address names none that others could call. */
function reachable(endpoint: string): string {
  return endpoint.replace('://0.0.0.0', '://localhost')
}
