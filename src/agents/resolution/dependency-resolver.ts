import { LRUCache } from 'lru-cache'
import { isTool } from '../../model/query/capability-kinds.ts'
import { unfilteredQuery } from '../../model/query/query.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'

/** Capacity of the provider cache, in capabilities. */
const maxCachedProviders = 10_000

/** The provider of a capability, as a dependent agent receives it. */
export type CapabilityProvider = { readonly agent_id: string; readonly endpoint: string; readonly status: string }

/** By capability: its provider, null where no healthy server has it. */
export type ResolvedDependencies = Readonly<Record<string, CapabilityProvider | null>>

export type DependencyResolver = ReturnType<typeof createDependencyResolver>

/**
 * Resolves each capability that an agent without `tools` depends on to a healthy server: agents before all others, then the server that
 * changed last.
 *
 * A provider stays as long as it is healthy and has the capability. So agents keep their providers while the mesh
 * changes, and a heartbeat costs a lookup instead of a search.
 */
export function createDependencyResolver({ registry }: { registry: Pick<MeshRegistry, 'get' | 'select'> }) {
  /** By capability: the id of its provider. */
  const providerIds = new LRUCache<string, string>({ max: maxCachedProviders })
  /** By agent: its last response, as JSON. */
  const lastResolved = new Map<string, string>()

  function providerOf(capability: string): CapabilityProvider | null {
    const id = providerIds.get(capability)
    const cached = id === undefined ? undefined : registry.get(id)?.server
    if (cached && provides(cached, capability)) return toProvider(cached)
    const server = search(capability)
    if (server) providerIds.set(capability, server.id)
    else providerIds.delete(capability)
    return server ? toProvider(server) : null
  }

  function search(capability: string): Server | undefined {
    const query = {
      ...unfilteredQuery,
      tool: [capability],
      status: ['healthy' as const],
      sort: '-updated_at' as const,
      limit: 20,
    }
    const { page } = registry.select(query)
    return (page.find(isAgent) ?? page[0])?.server
  }

  function resolveAll(dependencies: readonly string[]): Record<string, CapabilityProvider | null> | undefined {
    if (dependencies.length === 0) return undefined
    return Object.fromEntries(dependencies.map((name) => [name, providerOf(name)]))
  }

  return {
    providerOf,
    /** Resolves the dependencies of an agent and remembers the result; undefined where there are none. */
    resolve: (id: string, dependencies: readonly string[]): ResolvedDependencies | undefined => {
      const resolved = resolveAll(dependencies)
      if (resolved) lastResolved.set(id, JSON.stringify(resolved))
      else lastResolved.delete(id)
      return resolved
    },
    /** Whether the dependencies of an agent resolve differently than the last time. */
    haveChanged: (id: string, dependencies: readonly string[]): boolean => {
      const resolved = resolveAll(dependencies)
      return resolved !== undefined && lastResolved.get(id) !== JSON.stringify(resolved)
    },
    forget: (id: string) => void lastResolved.delete(id),
  }
}

function provides({ status, capabilities }: Server, capability: string): boolean {
  return status === 'healthy' && capabilities.some((one) => one.name === capability && isTool(one))
}

function toProvider(server: Server): CapabilityProvider {
  return {
    agent_id: isAgent({ server }) ? server.name : server.id,
    endpoint: redactText(server.url ?? `stdio://${server.name}`),
    status: server.status,
  }
}
