import type { LlmProviderRequest, MeshDependency, MeshTool } from '../mesh-tool.ts'
import type { DependencyKind, DependencySpec } from './offers/dependency-specs.ts'

/** A place for a provider: a dependency of a function, or its language model. */
export type ConsumerSlot = {
  readonly tool: MeshTool
  readonly dependency: MeshDependency
  readonly kind: DependencyKind
  /** Place among the dependencies of its function. */
  readonly depIndex: number
  readonly spec: DependencySpec
}

/** Whether any function of an agent asks for something of others. */
export function hasRequests(tools: readonly MeshTool[]): boolean {
  return tools.some((tool) => tool.dependencies.length > 0 || tool.llm_filter || tool.llm_provider)
}

/** The slots of an agent's functions: the dependencies of each in order, then its language model. */
export function consumerSlotsOf(
  tools: readonly MeshTool[],
  specOf: (slot: Omit<ConsumerSlot, 'spec'>) => DependencySpec,
): ConsumerSlot[] {
  const slots: ConsumerSlot[] = []
  // One literal for all, and exact lists: agents have some of them each, and there are thousands of agents.
  const add = (slot: Omit<ConsumerSlot, 'spec'>) => {
    const { tool, dependency, kind, depIndex } = slot
    slots.push({ tool, dependency, kind, depIndex, spec: specOf(slot) })
  }
  for (const tool of tools) {
    for (const [depIndex, dependency] of tool.dependencies.entries())
      add({ tool, dependency, kind: 'dependency', depIndex })
    const { llm_provider: model } = tool
    if (model) add({ tool, dependency: toDependency(model), kind: 'llm_provider', depIndex: 0 })
  }
  return slots.slice()
}

function toDependency({ capability, tags, version }: LlmProviderRequest): MeshDependency {
  return { capability, tags, version, required: false }
}

/** What takes a share of a provider: the agent, or a function that must not choose itself. */
export function shareKeyOf(id: string, { tool, dependency }: Pick<ConsumerSlot, 'tool' | 'dependency'>): string {
  return tool.capability === dependency.capability ? `${id} ${tool.function_name}` : id
}
