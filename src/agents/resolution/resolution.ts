import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import type { Log } from '../../log.ts'
import type { Change } from '../../model/change.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import type { Agent } from '../agent.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import type { Resolution } from './consumers.ts'
import { createDependencyResolver, type ResolvedDependencies } from './dependency-resolver.ts'
import { providerView, type SlotExplanation } from './explain/explanation.ts'
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
  log,
}: {
  registry: MeshRegistry
  agentOf: (id: string) => Agent | undefined
  onRewired?: RewiringListener | undefined
  log: Pick<Log, 'warn'>
}) {
  const dependencies = createDependencyResolver({ registry })
  const resolver = createMeshResolver({ registry, agentOf, onRewired, log })
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

  /** The functions of an agent, each with its dependencies and their providers at present. */
  function graphOf(agent: Agent): readonly JsonObject[] {
    if (agent.spec.tools) return toGraphNode(agent, resolver.peek(agent))
    const edges = agent.definition.dependencies.map((capability) => {
      const provider = dependencies.providerOf(capability)
      return { capability, status: provider ? 'available' : 'unavailable', provider }
    })
    return edges.length === 0 ? [] : [{ function_name: '', capability: '', dependencies: edges }]
  }

  return {
    answer,
    hasChanged,
    explain,
    graphOf,
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

/** The dependencies of an agent with their providers at present: a node of `GET /dependencies`. */
function toGraphNode({ spec }: Pick<Agent, 'spec'>, { slots, offers }: Resolution): readonly JsonObject[] {
  return (spec.tools ?? []).map((tool) => {
    const edges = slots.flatMap((slot, at) => {
      if (slot.tool !== tool) return []
      const { capability, tags, version, required } = slot.dependency
      const offer = offers[at]
      const status = offer ? 'available' : 'unavailable'
      const provider = offer ? providerView(offer) : null
      return [{ kind: slot.kind, edge: { capability, tags, version, required, status, provider } }]
    })
    const model = edges.find(({ kind }) => kind === 'llm_provider')
    return {
      function_name: tool.function_name,
      capability: tool.capability,
      dependencies: edges.filter(({ kind }) => kind === 'dependency').map(({ edge }) => edge),
      ...(model && { llm_provider: model.edge }),
    }
  })
}
