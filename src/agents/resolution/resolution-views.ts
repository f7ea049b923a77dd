import { redactForms } from '../../model/redaction/redact.ts'
import type { Agent } from '../agent.ts'
import type { LlmFilterItem, MeshTool } from '../mesh-tool.ts'
import type { Resolution } from './consumers.ts'
import type { DependencyResolver } from './dependency-resolver.ts'
import type { MeshResolver } from './mesh-resolver.ts'
import type { Offer } from './offers/offer.ts'
import type {
  AgentResolutions,
  DependencyResolution,
  LlmProviderResolution,
  LlmToolResolution,
  ResolutionPort,
} from './resolution-port.ts'

/** Maximum tools that are listed for one item of a filter. */
const maxListedTools = 100
/** Maximum rows for the filters of one agent. */
const maxToolRows = 200

const noResolutions: AgentResolutions = {
  total_dependencies: 0,
  dependencies_resolved: 0,
  dependency_resolutions: [],
  llm_tool_resolutions: [],
  llm_provider_resolutions: [],
}

/** The resolutions of agents as lists show them. */
export function createResolutionViews({
  agentOf,
  resolver,
  dependencies,
}: {
  agentOf: (id: string) => Agent | undefined
  resolver: Pick<MeshResolver, 'peek' | 'offersOfAgent' | 'unavailableReason' | 'toolsOfItem' | 'version'>
  dependencies: Pick<DependencyResolver, 'providerOf'>
}): ResolutionPort {
  function resolutionsOf(agentId: string): AgentResolutions {
    const agent = agentOf(agentId)
    if (!agent) return noResolutions
    // By form only, as in the dependencies of the agent themselves.
    return redactForms(
      agent.spec.tools ? toolResolutions(agent, agent.spec.tools) : capabilityResolutions(agent),
    ) as AgentResolutions
  }

  function toolResolutions(agent: Agent, tools: readonly MeshTool[]): AgentResolutions {
    const resolution = resolver.peek(agent)
    const dependency_resolutions = dependencyRows(resolution)
    return {
      total_dependencies: dependency_resolutions.length,
      dependencies_resolved: dependency_resolutions.filter(({ status }) => status === 'available').length,
      dependency_resolutions,
      llm_tool_resolutions: llmToolRows(tools, resolution),
      llm_provider_resolutions: llmProviderRows(resolution),
    }
  }

  /** An agent of an older generation depends as a whole, not function by function. */
  function capabilityResolutions({ definition }: Agent): AgentResolutions {
    const rows = definition.dependencies.map((capability): DependencyResolution => {
      const provider = dependencies.providerOf(capability)
      const row = { function_name: '', capability }
      if (!provider) return { ...row, status: 'unresolved' }
      const { agent_id, endpoint } = provider
      return { ...row, status: 'available', provider_agent_id: agent_id, mcp_tool: capability, endpoint }
    })
    const resolved = rows.filter(({ status }) => status === 'available').length
    return {
      ...noResolutions,
      total_dependencies: rows.length,
      dependencies_resolved: resolved,
      dependency_resolutions: rows,
    }
  }

  function llmToolRows(tools: readonly MeshTool[], resolution: Resolution): LlmToolResolution[] {
    const filtered = tools.flatMap(({ function_name, llm_filter }) =>
      llm_filter ? [{ function_name, llm_filter }] : [],
    )
    const rows: LlmToolResolution[] = []
    for (const [at, { function_name, llm_filter }] of filtered.entries()) {
      const { filter, filter_mode } = llm_filter
      const selected = new Set(resolution.llmTools.tools[at])
      for (const item of filter) {
        if (rows.length >= maxToolRows) return rows.slice(0, maxToolRows)
        const shared = { function_name, filter_mode, ...filterMembers(item) }
        const matched = resolver.toolsOfItem(item).filter((offer) => selected.has(offer))
        if (matched.length === 0) rows.push({ ...shared, status: 'unresolved' })
        for (const offer of matched.slice(0, maxListedTools))
          rows.push({ ...shared, ...providerMembers(offer), provider_capability: offer.tool.capability })
      }
    }
    return rows.slice(0, maxToolRows)
  }

  function unavailableReason(agentId: string, functionName: string): string | undefined {
    const offer = resolver.offersOfAgent(agentId).find(({ tool }) => tool.function_name === functionName)
    const status = offer?.provider.status ?? agentOf(agentId)?.lease.status
    if (status === 'unhealthy' || status === 'offline' || status === undefined) return 'agent unhealthy'
    if (status !== 'healthy' && status !== 'degraded') return `agent ${status}`
    return offer && resolver.unavailableReason(offer)
  }

  return { resolutionsOf, unavailableReason, version: resolver.version }
}

function dependencyRows({ slots, offers }: Resolution): DependencyResolution[] {
  return slots.flatMap(({ kind, tool, dependency }, at): DependencyResolution[] => {
    if (kind !== 'dependency') return []
    const tags = dependency.tags.filter((tag) => typeof tag === 'string')
    return [
      {
        function_name: tool.function_name,
        capability: dependency.capability,
        ...(tags.length > 0 && { tags }),
        ...providerMembers(offers[at]),
      },
    ]
  })
}

function llmProviderRows({ slots, offers }: Resolution): LlmProviderResolution[] {
  return slots.flatMap(({ kind, tool, dependency }, at): LlmProviderResolution[] => {
    if (kind !== 'llm_provider') return []
    const tags = dependency.tags.filter((tag) => typeof tag === 'string')
    return [
      {
        function_name: tool.function_name,
        required_capability: dependency.capability,
        ...(tags.length > 0 && { required_tags: tags }),
        ...providerMembers(offers[at]),
      },
    ]
  })
}

function providerMembers(
  offer: Offer | undefined,
): Pick<DependencyResolution, 'status'> & Partial<DependencyResolution> {
  if (!offer) return { status: 'unresolved' }
  const { provider, tool } = offer
  const { id, endpoint } = provider
  return { status: 'available', provider_agent_id: id, mcp_tool: tool.function_name, endpoint }
}

function filterMembers(item: string | LlmFilterItem): Pick<LlmToolResolution, 'filter_capability' | 'filter_tags'> {
  if (typeof item === 'string') return { filter_capability: item }
  const { capability, tags } = item
  return { ...(capability !== undefined && { filter_capability: capability }), ...(tags && { filter_tags: tags }) }
}
