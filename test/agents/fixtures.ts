import type { Agent, AgentRequest } from '../../src/agents/agent.ts'
import type { Lease } from '../../src/agents/leases/lease.ts'
import { createLeases } from '../../src/agents/leases/leases.ts'
import { parseAgentRequest } from '../../src/agents/parsing/agent-request.ts'
import { createRegistrar } from '../../src/agents/registrar.ts'
import { silent } from '../../src/log.ts'
import type { Sighting } from '../../src/model/source.ts'
import type { StoredRegistration, Store } from '../../src/stores/store.ts'

const rules = { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 }

export function agentRequest(id: string, fields: object = {}): AgentRequest {
  return parseAgentRequest({ id, ...fields }, { defaults: { timeout: 60, eviction: 120 }, countsAsHeartbeat: true })
}

/** A registered agent with overrides of its registration, ownership and lease. */
export function testAgent(
  id: string,
  fields: object = {},
  { ownership = {}, lease = {} }: { ownership?: Agent['ownership']; lease?: Partial<Lease> } = {},
): Agent {
  const { definition, spec } = agentRequest(id, fields)
  return {
    id,
    definition,
    spec,
    stored: { resource_version: '7', created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-02T00:00:00Z' },
    ownership,
    lease: {
      id,
      version: 1,
      terms: { timeout: 60_000, eviction: 120_000 },
      status: 'healthy',
      selfReportedStatus: 'healthy',
      hasHeartbeat: true,
      isRunning: lease.status === undefined || lease.status === 'healthy' || lease.status === 'degraded',
      seenByReplica: false,
      silentSince: 0,
      lastHeartbeatAt: Date.parse('2026-01-02T00:00:00Z'),
      ...lease,
    },
  }
}

/** The registration of an agent as the store returns it. */
export function storedRegistration(id: string, resource_version: string, fields: object = {}): StoredRegistration {
  const { definition, spec } = agentRequest(id, fields)
  return {
    kind: 'agent',
    namespace: definition.namespace,
    name: id,
    definition: JSON.stringify({ definition, facts: spec }),
    lease: { timeout: 60, eviction: 120 },
    resource_version,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  }
}

/** Leases on a clock that only `advance` moves. */
export function createTestLeases({
  isPartitioned = () => false,
  onSelfPreservation,
}: Partial<Pick<Parameters<typeof createLeases>[0], 'isPartitioned' | 'onSelfPreservation'>> = {}) {
  let now = 0
  const leases = createLeases({
    clock: { now: () => now },
    rules: () => rules,
    retentionMs: 3_600_000,
    wall: () => now,
    isPartitioned,
    ...(onSelfPreservation && { onSelfPreservation }),
  })
  return { leases, advance: (seconds: number) => void (now += seconds * 1000) }
}

/** A registrar attached to a list of the sightings that it pushes. */
export const noByteLimits = { maxBytes: Infinity, maxAgentBytes: Infinity }

export function createTestRegistrar(store: Pick<Store, 'commit' | 'recordHeartbeats'>, { maxAgents = 100 } = {}) {
  const { leases, advance } = createTestLeases()
  const registrar = createRegistrar({ store, leases, settings: () => ({ maxAgents, ...noByteLimits }), log: silent })
  const pushed: Sighting[] = []
  registrar.attach((sighting) => void pushed.push(sighting))
  return { registrar, pushed, advance }
}

/** The origins of a picture or change. */
export function originsIn(sighting: Sighting | undefined): readonly string[] {
  return sighting?.type === 'picture' || sighting?.type === 'change'
    ? sighting.readings.map(({ origin }) => origin)
    : []
}
