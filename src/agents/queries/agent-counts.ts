import { type Agent, serverIdOf } from '../agent.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import { createPerRevisionValue } from './per-revision.ts'

/** Counts of agents and of their capabilities. */
export type AgentCounts = {
  readonly agents: number
  readonly by_status: Readonly<Record<string, number>>
  readonly by_namespace: Readonly<Record<string, number>>
  readonly capabilities: number
  readonly capability_types: number
  readonly capabilities_by_category: Readonly<Record<string, number>>
}

/** Counts agents at most once per revision. */
export function createAgentCounts({
  agents,
  registry,
}: {
  agents: () => readonly Agent[]
  registry: Pick<MeshRegistry, 'get' | 'token'>
}): () => AgentCounts {
  return createPerRevisionValue(registry.token, () => countAgents(agents(), registry))
}

function countAgents(agents: readonly Agent[], registry: Pick<MeshRegistry, 'get'>): AgentCounts {
  const statuses = new Map<string, number>()
  const namespaces = new Map<string, number>()
  const categories = new Map<string, number>()
  const names = new Set<string>()
  let capabilityCount = 0
  for (const agent of agents) {
    const registered = registry.get(serverIdOf(agent))
    const server = registered && isAgent(registered) ? registered.server : undefined
    increment(statuses, server?.status ?? agent.lease.status)
    increment(namespaces, agent.definition.namespace)
    for (const { name, category } of (server ?? agent.definition).capabilities) {
      capabilityCount += 1
      names.add(name)
      increment(categories, category ?? 'none')
    }
  }
  return {
    agents: agents.length,
    by_status: Object.fromEntries(statuses),
    by_namespace: Object.fromEntries(namespaces),
    capabilities: capabilityCount,
    capability_types: names.size,
    capabilities_by_category: Object.fromEntries(categories),
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
