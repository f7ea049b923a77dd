import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import { runCooperatively } from '../../flow/cooperative.ts'
import type { Log } from '../../log.ts'
import type { Change } from '../../model/change.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import { redactForms } from '../../model/redaction/redact.ts'
import type { Agent } from '../agent.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import type { MeshTool } from '../mesh-tool.ts'
import type { Resolution } from './consumers.ts'
import { createDependencyResolver, type ResolvedDependencies } from './dependency-resolver.ts'
import {
  type AgentDependencies,
  type AgentExplanation,
  byFunction,
  candidateLimit,
  maxExplained,
} from './explain/agent-explanation.ts'
import { providerView, type SlotExplanation } from './explain/explanation.ts'
import { createMeshResolver } from './mesh-resolver.ts'
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

  /** The functions of an agent, each with its dependencies and why they have their providers; secrets redacted by form. */
  async function explain(agent: Agent): Promise<AgentExplanation> {
    const explanation = runCooperatively(agent.spec.tools ? resolver.explain(agent) : explainCapabilities(agent))
    return redactForms(await explanation) as AgentExplanation
  }

  function* explainCapabilities(agent: Agent): Generator<void, AgentExplanation> {
    const { shown, omitted } = capabilitiesShown(agent)
    const explained: SlotExplanation[] = []
    for (const name of shown) {
      explained.push(explainCapability(agent, name, explained.length, candidateLimit(shown.length)))
      yield
    }
    return { functions: [{ function_name: '', capability: '', dependencies: explained }], ...omitted }
  }

  /** An agent of an older generation keeps its provider for as long as that is healthy, and depends as a whole. */
  function explainCapability(agent: Agent, capability: string, at: number, limit: number): SlotExplanation {
    const provider = dependencies.providerOf(capability)
    const dependency = { capability, tags: [], version: '', required: false }
    const reason = 'healthy; agents of older generations keep their provider while it is'
    return {
      ...resolver.explainDependency(agent.id, dependency, limit),
      dep_index: at,
      status: provider ? 'available' : 'unavailable',
      provider,
      ...(provider && { decided_by: 'kept', reason }),
    }
  }

  /** The functions of an agent, each with its dependencies and their providers at present; secrets redacted by form. */
  function* graphOf(agent: Agent): Generator<void, AgentDependencies<JsonObject>> {
    return redactForms(yield* edgesOf(agent)) as AgentDependencies<JsonObject>
  }

  function* edgesOf(agent: Agent): Generator<void, AgentDependencies<JsonObject>> {
    const { tools } = agent.spec
    if (tools) return toGraph(tools, yield* resolver.peekYielding(agent, maxExplained))
    const { shown, omitted } = capabilitiesShown(agent)
    const edges = shown.map((capability) => {
      const provider = dependencies.providerOf(capability)
      return { capability, status: provider ? 'available' : 'unavailable', provider }
    })
    return {
      functions: edges.length === 0 ? [] : [{ function_name: '', capability: '', dependencies: edges }],
      ...omitted,
    }
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

/** The capabilities that an agent of an older generation depends on, as many as one answer shows. */
function capabilitiesShown({ definition }: Agent) {
  const shown = definition.dependencies.slice(0, maxExplained)
  const left = definition.dependencies.length - shown.length
  return { shown, omitted: left > 0 ? { dependencies_omitted: left } : {} }
}

/** The dependencies of an agent with their providers at present: a node of `GET /dependencies`. */
function toGraph(
  tools: readonly MeshTool[],
  { slots, offers, omitted }: Resolution & { readonly omitted: number },
): AgentDependencies<JsonObject> {
  const edges = slots.map(({ dependency: { capability, tags, version, required } }, at) => {
    const offer = offers[at]
    const status = offer ? 'available' : 'unavailable'
    return { capability, tags, version, required, status, provider: offer ? providerView(offer) : null }
  })
  return { functions: byFunction(tools, slots, edges), ...(omitted > 0 && { dependencies_omitted: omitted }) }
}
