import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import type { Change } from '../../model/change.ts'
import type { Agent } from '../agent.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import { createDependencyResolver, type ResolvedDependencies } from './dependency-resolver.ts'
import type { SlotExplanation } from './explain/explanation.ts'
import { createMeshResolver, type FunctionExplanation } from './mesh-resolver.ts'
import type { RewiringListener } from './resolution-port.ts'
import { createResolutionViews } from './resolution-views.ts'
import type { ToolAnswer } from './tool-answer.ts'

/** What an agent receives of its dependencies: one of both, by the generation of its runtime. */
export type AgentAnswer = {
  /** By capability: the provider. Undefined where there are no dependencies. */
  readonly dependencies?: ResolvedDependencies | undefined
  /** For agents that registered with `tools`. */
  readonly byFunction?: ToolAnswer
}

/** The resolution of dependencies for agents of every generation. */
export function createResolution({
  registry,
  agentOf,
  onRewired = () => {},
}: {
  registry: MeshRegistry
  agentOf: (id: string) => Agent | undefined
  onRewired?: RewiringListener | undefined
}) {
  const dependencies = createDependencyResolver({ registry })
  const resolver = createMeshResolver({ registry, agentOf, onRewired })
  const views = createResolutionViews({ agentOf, resolver, dependencies })
  const queue = createChunkedQueue<Change>(({ type, before }) => {
    if (type === 'DELETED' && isAgent(before) && !agentOf(before.server.name)) dependencies.forget(before.server.name)
  })
  const unsubscribe = registry.subscribe(({ changes }) => queue.add(changes))

  /** The answer to a heartbeat. */
  function answer(agent: Agent): AgentAnswer {
    if (agent.spec.tools) return { byFunction: resolver.resolve(agent) }
    resolver.forget(agent.id)
    return { dependencies: dependencies.resolve(agent.id, agent.definition.dependencies) }
  }

  /** Whether the answer would differ from the last one. */
  function hasChanged(agent: Agent): boolean {
    return agent.spec.tools
      ? resolver.hasChanged(agent)
      : dependencies.haveChanged(agent.id, agent.definition.dependencies)
  }

  /** The functions of an agent, each with its dependencies and why they have their providers. */
  function explain(agent: Agent): readonly FunctionExplanation[] {
    if (agent.spec.tools) return resolver.explain(agent)
    const explained = agent.definition.dependencies.map((name, at) => explainCapability(agent, name, at))
    return [{ function_name: '', capability: '', dependencies: explained }]
  }

  /** An agent of an older generation keeps its provider for as long as that is healthy, and depends as a whole. */
  function explainCapability(agent: Agent, capability: string, at: number): SlotExplanation {
    const provider = dependencies.providerOf(capability)
    const dependency = { capability, tags: [], version: '', required: false }
    const reason = 'healthy; agents of older generations keep their provider while it is'
    return {
      ...resolver.explainDependency(agent.id, dependency),
      dep_index: at,
      status: provider ? 'available' : 'unavailable',
      provider,
      ...(provider && { decided_by: 'kept', reason }),
    }
  }

  return {
    answer,
    hasChanged,
    explain,
    views,
    close: () => {
      unsubscribe()
      resolver.close()
    },
  }
}

/** The members of a response that an answer makes. */
export function answerMembers({ dependencies, byFunction }: AgentAnswer): object {
  return byFunction ?? (dependencies ? { dependencies_resolved: dependencies } : {})
}
