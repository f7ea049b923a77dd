import { type Agent, serverIdOf } from '../agent.ts'
import type { MeshRegistry } from '../mesh-registry.ts'

/** How many agents there are of each kind, and what they can do together. */
export type AgentCounts = {
  readonly agents: number
  readonly by_status: Readonly<Record<string, number>>
  readonly by_namespace: Readonly<Record<string, number>>
  readonly capabilities: number
  readonly capability_types: number
  readonly capabilities_by_category: Readonly<Record<string, number>>
}

/** Counts agents once per revision, however often it is asked. */
export function createAgentCounts({
  agents,
  registry,
}: {
  agents: () => readonly Agent[]
  registry: Pick<MeshRegistry, 'get' | 'token'>
}): () => AgentCounts {
  let counted: { readonly token: string; readonly census: AgentCounts } | undefined

  return () => {
    const token = registry.token()
    if (counted?.token !== token) counted = { token, census: census(agents(), registry) }
    return counted.census
  }
}

function census(agents: readonly Agent[], registry: Pick<MeshRegistry, 'get'>): AgentCounts {
  const statuses = new Map<string, number>()
  const namespaces = new Map<string, number>()
  const categories = new Map<string, number>()
  const names = new Set<string>()
  let capabilities = 0
  for (const agent of agents) {
    const server = registry.get(serverIdOf(agent))?.server
    const own = server?.discovery_method === 'registered' ? server : undefined
    add(statuses, own?.status ?? agent.lease.status)
    add(namespaces, agent.definition.namespace)
    for (const { name, category } of (own ?? agent.definition).capabilities) {
      capabilities += 1
      names.add(name)
      add(categories, category ?? 'none')
    }
  }
  return {
    agents: agents.length,
    by_status: Object.fromEntries(statuses),
    by_namespace: Object.fromEntries(namespaces),
    capabilities,
    capability_types: names.size,
    capabilities_by_category: Object.fromEntries(categories),
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
