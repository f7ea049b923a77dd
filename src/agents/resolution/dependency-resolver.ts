import { unfilteredQuery } from '../../model/query/query.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'

/** More choices than these are made anew now and then. */
const mostChosen = 10_000

/** Who provides a capability, as an agent that needs it is told. */
export type Provider = { readonly agent_id: string; readonly endpoint: string; readonly status: string }

/**
 * Finds a healthy server for each capability that somebody depends on: registered agents before all others, then the one
 * that changed last.
 *
 * Whoever was found stays as long as it is healthy and has the capability, so that a mesh in which much happens does not
 * hand its agents about; and so that a heartbeat costs a look-up, not a search.
 */
export function createDependencies({ registry }: { registry: Pick<MeshRegistry, 'get' | 'select'> }) {
  const chosen = new Map<string, string>()
  /** By agent: what it was told last. */
  const told = new Map<string, string>()

  function providerOf(capability: string): Provider | null {
    const known = chosen.get(capability)
    const server = known === undefined ? undefined : registry.get(known)?.server
    if (server && provides(server, capability)) return shown(server)
    const found = search(capability)
    if (found === undefined) chosen.delete(capability)
    else remember(capability, found.id)
    return found ? shown(found) : null
  }

  function remember(capability: string, id: string): void {
    if (chosen.size >= mostChosen) chosen.clear()
    chosen.set(capability, id)
  }

  function search(capability: string): Server | undefined {
    const query = {
      ...unfilteredQuery,
      capability,
      status: ['healthy' as const],
      sort: '-updated_at' as const,
      limit: 20,
    }
    const { page } = registry.select(query)
    return (page.find(isAgent) ?? page[0])?.server
  }

  /** Who provides what `dependencies` name; undefined where there are none. */
  function resolve(dependencies: readonly string[]): Record<string, Provider | null> | undefined {
    if (dependencies.length === 0) return undefined
    return Object.fromEntries(dependencies.map((name) => [name, providerOf(name)]))
  }

  return {
    /** Resolves for an agent and remembers what it was told. */
    tell: (id: string, dependencies: readonly string[]) => {
      const resolved = resolve(dependencies)
      if (resolved) told.set(id, JSON.stringify(resolved))
      else told.delete(id)
      return resolved
    },
    /** Whether an agent would be told something else than the last time. */
    hasNews: (id: string, dependencies: readonly string[]): boolean => {
      const resolved = resolve(dependencies)
      return resolved !== undefined && told.get(id) !== JSON.stringify(resolved)
    },
    forget: (id: string) => void told.delete(id),
  }
}

function provides({ status, capabilities }: Server, capability: string): boolean {
  return status === 'healthy' && capabilities.some(({ name }) => name === capability)
}

function shown(server: Server): Provider {
  const registered = server.discovery_method === 'registered'
  return {
    agent_id: registered ? server.name : server.id,
    endpoint: redactText(server.url ?? `stdio://${server.name}`),
    status: server.status,
  }
}
