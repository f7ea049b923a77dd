import type { AgentListener } from '../../src/agents/agent.ts'
import { createMeshOperations } from '../../src/agents/mesh-operations.ts'
import { createRegistrar } from '../../src/agents/registrar.ts'
import type { ResolutionTrace, Rewiring } from '../../src/agents/resolution/resolution-port.ts'
import { silent } from '../../src/log.ts'
import type { Status } from '../../src/model/health.ts'
import { serverId } from '../../src/model/names.ts'
import type { Principal } from '../../src/model/principal.ts'
import { ServerDefinition } from '../../src/model/server.ts'
import type { Sighting } from '../../src/model/source.ts'
import type { Candidate, Layer } from '../../src/registry/candidate.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { openMemory } from '../../src/stores/memory.ts'
import { createTestLeases, noByteLimits } from './fixtures.ts'

export const admin: Principal = { name: 'root', role: 'admin', secrets: false }
export const registrarOf = (name: string, fields: Partial<Principal> = {}): Principal => ({
  name,
  role: 'registrar',
  secrets: false,
  ...fields,
})

/** The mesh without HTTP: a memory store, leases on a clock of its own, and a registry with a source above the agents. */
export function createTestMesh({
  acceptsAgents = true,
  maxAgents = 100,
  onAgent,
}: { acceptsAgents?: boolean; maxAgents?: number; onAgent?: AgentListener } = {}) {
  const store = openMemory({ log: silent })
  const { leases, advance } = createTestLeases()
  const agents = createRegistrar({ store, leases, settings: () => ({ maxAgents, ...noByteLimits }), log: silent })
  const registry = createRegistry({
    onError: (error) => {
      throw error
    },
  })
  const files: Layer = { name: 'files', reach: 'any', discovery_method: 'config_file', order: 0 }
  const agentLayer: Layer = { name: 'agents', reach: 'any', discovery_method: 'registered', order: 1 }
  const candidates = new Map<string, Candidate>()

  function push(sighting: Sighting): void {
    if (sighting.type !== 'change') return
    const added = sighting.readings.flatMap((reading) => {
      const [entry] = 'entries' in reading ? reading.entries : []
      if (!entry || !('definition' in entry)) return []
      const { definition, reported, stored } = entry
      const id = serverId(definition.namespace, definition.name)
      return [
        [
          reading.origin,
          {
            id,
            definition,
            reported,
            stored,
            layer: agentLayer,
            origin: reading.origin,
            rank: 0,
            position: 0,
            stale: false,
          },
        ] as const,
      ]
    })
    const origins = [...added.map(([origin]) => origin), ...sighting.gone]
    const removed = origins.flatMap((origin) => candidates.get(origin) ?? [])
    for (const origin of origins) candidates.delete(origin)
    for (const [origin, candidate] of added) candidates.set(origin, candidate)
    registry.commit({ removed, added: added.map(([, candidate]) => candidate) })
  }

  agents.attach(push)
  registry.beforeRead(agents.applyExpirations)
  const logged: Record<string, unknown>[] = []
  const record = (fields: object, message?: string) => void logged.push({ ...fields, message })
  const rewirings: (Omit<Rewiring, 'trace'> & { readonly trace: ResolutionTrace })[] = []
  const defined = new Map<string, Candidate>()
  const mesh = createMeshOperations({
    registrations: {
      agents,
      assertPublished: () => {},
      selfPreservation: leases.selfPreservation,
      endSelfPreservation: leases.endSelfPreservation,
    },
    registry,
    thresholds: () => ({ timeout: 60, eviction: 120 }),
    source: () => (acceptsAgents ? 'agents' : undefined),
    log: { info: record, warn: record } as Pick<typeof silent, 'info' | 'warn'>,
    onAgent,
    onRewired: (rewiring) => void rewirings.push({ ...rewiring, trace: rewiring.trace() }),
  })

  return {
    ...mesh,
    registry,
    agents,
    logged,
    /** Every changed provider that an answer brought, with its trace. */
    rewirings,
    advance,
    /** Registers an agent with a heartbeat. */
    registerAgent: (id: string, fields: object = {}, principal: Principal = admin) =>
      mesh.register({ registration: { id, ...fields }, payload: {} }, { principal, countsAsHeartbeat: true }),
    /** Defines a server in the source above the agents, or defines it again. */
    define: (name: string, fields: { status?: Status } & Readonly<Record<string, unknown>> = {}) => {
      const { status = 'healthy', ...rest } = fields
      const definition = ServerDefinition.parse({
        name,
        url: `http://${name}.example/mcp`,
        health_check: 'none',
        ...rest,
      })
      const id = serverId(definition.namespace, name)
      const candidate = {
        id,
        definition,
        reported: { status },
        layer: files,
        origin: name,
        rank: 0,
        position: 0,
        stale: false,
      }
      const before = defined.get(name)
      defined.set(name, candidate)
      registry.commit({ removed: before ? [before] : [], added: [candidate] })
      return id
    },
    [Symbol.asyncDispose]: async () => {
      mesh.close()
      await store[Symbol.asyncDispose]()
    },
  }
}
