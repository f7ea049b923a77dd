import type { JsonObject } from '../../../model/data/json-object.ts'
import type { Agent } from '../../agent.ts'
import type { MeshTool } from '../../mesh-tool.ts'
import type { ConsumerSlot } from '../consumer-slots.ts'
import type { Resolution } from '../consumers.ts'
import { maxListed } from './candidate-lists.ts'
import { providerView, type SlotExplanation } from './explanation.ts'

/** Maximum dependencies of one agent that are shown. */
export const maxExplained = 500
/** Maximum candidates of all these dependencies together. */
const maxCandidates = 5000

/** The functions of an agent, each with the dependencies that `T` shows. */
export type AgentDependencies<T> = {
  readonly functions: readonly FunctionDependencies<T>[]
  /** How many dependencies are left out. */
  readonly dependencies_omitted?: number
}

type FunctionDependencies<T> = {
  readonly function_name: string
  readonly capability: string
  readonly dependencies: readonly T[]
  readonly llm_provider?: T
  readonly llm_tools?: readonly object[]
}

export type AgentExplanation = AgentDependencies<SlotExplanation>

/** Maximum listed candidates of each dependency, by the number of dependencies. */
export function candidateLimit(dependencies: number): number {
  return Math.min(maxListed, Math.ceil(maxCandidates / Math.max(1, dependencies)))
}

/** Explains the dependencies of an agent, and yields after each. */
export function* explainFunctions(
  { spec }: Agent,
  { slots, omitted, llmTools }: Resolution & { readonly omitted: number },
  explainSlot: (slot: ConsumerSlot, at: number) => SlotExplanation,
): Generator<void, AgentExplanation> {
  const explained: SlotExplanation[] = []
  for (const [at, slot] of slots.entries()) {
    explained.push(explainSlot(slot, at))
    yield
  }
  const toolsOf = new Map<MeshTool, readonly JsonObject[]>()
  for (const [at, tool] of (spec.tools ?? []).filter(({ llm_filter }) => llm_filter).entries())
    toolsOf.set(tool, (llmTools.tools[at] ?? []).map(providerView))
  const functions = byFunction(spec.tools ?? [], slots, explained).map((one, at) => {
    const tools = spec.tools?.[at] && toolsOf.get(spec.tools[at])
    return tools ? { ...one, llm_tools: tools } : one
  })
  return { functions, ...(omitted > 0 && { dependencies_omitted: omitted }) }
}

/** The functions with what is shown of their slots. */
export function byFunction<T>(
  tools: readonly MeshTool[],
  slots: readonly ConsumerSlot[],
  shown: readonly T[],
): readonly FunctionDependencies<T>[] {
  const bySlot = slots.map((slot, at) => ({ slot, one: shown[at] as T }))
  const byTool = Map.groupBy(bySlot, ({ slot }) => slot.tool)
  return tools.map((tool) => {
    const own = byTool.get(tool) ?? []
    const model = own.find(({ slot }) => slot.kind === 'llm_provider')
    return {
      function_name: tool.function_name,
      capability: tool.capability,
      dependencies: own.filter(({ slot }) => slot.kind === 'dependency').map(({ one }) => one),
      ...(model && { llm_provider: model.one }),
    }
  })
}
