import type { Log } from '../log.ts'
import type { Sighting } from '../model/source.ts'
import type { Duty } from '../stores/member.ts'
import { isNewer, type StoredHeartbeat, type StoredRegistration, type Store } from '../stores/store.ts'
import { createAgentTable } from './agent-table.ts'
import type { Agent, AgentRequest, HeartbeatPayload } from './agent.ts'
import { staleVersion } from './errors.ts'
import { createLeaseExpirations } from './lease-expirations.ts'
import { heartbeatRecord } from './leases/lease-record.ts'
import type { Leases } from './leases/leases.ts'
import { type AgentByteLimits, createAgentBytes } from './registering/agent-bytes.ts'
import { createEndpointChange } from './registering/endpoint-change.ts'
import { createPendingRegistrations } from './registering/pending-registrations.ts'
import { type AppliedRegistration, createRegister } from './registering/registration.ts'
import { createStoreCheck } from './registering/store-check.ts'
import { createRegistryWriter } from './registry-writer.ts'
import { toDeleteOperation } from './stored-agent.ts'

export type Registrar = ReturnType<typeof createRegistrar>

/**
 * The registered agents: durable in the store, alive by their leases, written to the registry as changes.
 *
 * A registration resolves once it is stored and visible. One equal to the stored registration only renews the lease.
 */
export function createRegistrar({
  store,
  leases,
  settings,
  duty,
  log,
  onForgotten,
}: {
  store: Pick<Store, 'commit' | 'recordHeartbeats'>
  leases: Leases
  settings: () => { readonly maxAgents: number } & AgentByteLimits
  /** Whether this daemon retires silent agents; without it, it is alone. */
  duty?: Duty | undefined
  log: Log
  /** Called with an agent that is removed after its retention. */
  onForgotten?: ((agent: Agent) => void) | undefined
}) {
  const writer = createRegistryWriter({ agentOf: (id) => table.get(id), log })
  const bytes = createAgentBytes(settings)
  const table = createAgentTable({ leases, bytes, onGone: writer.remove })
  const beginCheck = createStoreCheck({ store, table, writer })
  const pending = createPendingRegistrations()
  const register = createRegister({ store, table, writer, beginCheck, pending, bytes, settings, renew })
  const changeEndpoint = createEndpointChange({ table, register: countedRegister })
  const { applyExpirations, expiredCount } = createLeaseExpirations({
    leases,
    table,
    learn: (known, stored) => beginCheck(known.id).learn(known, stored),
    writer,
    store,
    duty,
    log,
    onForgotten,
  })
  const counters = { registrations: 0, heartbeats: 0 }

  async function countedRegister(...args: Parameters<typeof register>): Promise<AppliedRegistration> {
    const applied = await register(...args)
    counters.registrations += 1
    return applied
  }

  /** A re-registration counts as a heartbeat once the agent has sent one. */
  function renew(agent: Agent, { countsAsHeartbeat, payload }: AgentRequest): Agent {
    if (countsAsHeartbeat) heartbeat(agent.id, payload)
    else if (agent.lease.hasHeartbeat) renewLease(agent.id, agent.lease.selfReportedStatus)
    return table.get(agent.id) ?? agent
  }

  /** Records a heartbeat; undefined for an unknown id. */
  function heartbeat(id: string, { status, metadata, timestamp }: HeartbeatPayload = {}): Agent | undefined {
    const agent = renewLease(id, status)
    if (!agent) return undefined
    counters.heartbeats += 1
    if (metadata !== undefined || timestamp !== undefined)
      table.keepPayload(agent, { ...(metadata && { metadata }), ...(timestamp !== undefined && { timestamp }) })
    return agent
  }

  /** Renews a lease, here and at the other replicas; undefined for an unknown id. */
  function renewLease(id: string, status: HeartbeatPayload['status']): Agent | undefined {
    const agent = table.get(id)
    const recorded = agent && leases.recordHeartbeat(id, status)
    if (!recorded) return undefined
    store.recordHeartbeats([heartbeatRecord(id, agent.spec.timeout_threshold, status)])
    if (recorded.changed) writer.write([agent])
    return agent
  }

  /** The agent that may be removed, as the store has it; undefined where none is stored. */
  async function findRemovable(
    id: string,
    {
      check = beginCheck(id),
      expectedVersion,
      authorize,
    }: {
      check?: ReturnType<typeof beginCheck>
      expectedVersion: string | undefined
      authorize: (agent: Agent) => void
    },
  ): Promise<Agent | undefined> {
    for (;;) {
      const current = table.get(id)
      const isExpected = expectedVersion === undefined || expectedVersion === current?.stored.resource_version
      if ((!current || !isExpected) && (await check.refresh())) continue
      if (!current) return undefined
      authorize(current)
      if (!isExpected) throw staleVersion(id, expectedVersion, current)
      return current
    }
  }

  /** Removes an agent; false where none is stored. `authorize` throws where the principal may not. */
  async function unregister(
    id: string,
    expectedVersion?: string,
    authorize: (agent: Agent) => void = () => {},
  ): Promise<boolean> {
    const check = beginCheck(id)
    for (;;) {
      const current = await findRemovable(id, { check, expectedVersion, authorize })
      if (!current) return false
      const [outcome] = await store.commit([toDeleteOperation(current)])
      if (outcome?.type === 'deleted') {
        table.applyDeletion(id, outcome.resource_version)
        return true
      }
      if (outcome?.type === 'conflict') check.learn(current, outcome.current)
    }
  }

  return {
    attach: (to: (sighting: Sighting) => void) => writer.attach(to, table.all()),
    detach: writer.detach,
    register: countedRegister,
    heartbeat,
    changeEndpoint,
    unregister,
    /** As `unregister`, without removing. */
    rehearseUnregister: async (id: string, expectedVersion: string | undefined, authorize: (agent: Agent) => void) =>
      (await findRemovable(id, { expectedVersion, authorize })) !== undefined,
    /** Asks the store for an agent; whether it was known otherwise. */
    refresh: (id: string) => beginCheck(id).refresh(),
    refreshIfUp: (id: string) => beginCheck(id).refreshIfUp(),
    applyExpirations,
    /** Applies the snapshot of the store at a version. */
    load: (registrations: readonly StoredRegistration[], heartbeats: readonly StoredHeartbeat[], version: string) => {
      // Agents registered after the snapshot was taken are missing in it, and stay.
      const isKept = ({ stored }: Agent) => isNewer(stored.resource_version, version)
      writer.write(table.load(registrations, heartbeats, { isKept }))
    },
    /** Replaces all agents but those `kept` (ids) after the store went back, whatever their versions. */
    reset: (
      registrations: readonly StoredRegistration[],
      heartbeats: readonly StoredHeartbeat[],
      kept: ReadonlySet<string>,
    ) => {
      table.forgetDeletions()
      writer.write(table.load(registrations, heartbeats, { isKept: ({ id }) => kept.has(id), force: true }))
    },
    /** Replaces one agent after the store went back, whatever its version. */
    replace: (id: string, registration: StoredRegistration | undefined) => {
      const agent = registration && table.applyRegistration(registration, { force: true })
      if (agent) writer.write([agent])
      else table.remove([id])
    },
    /** Writes the last heartbeat of an agent to the store again. */
    recordAgain: ({ id, spec, lease }: Agent) => {
      if (lease.lastHeartbeatAt === undefined) return
      const age_ms = Math.max(0, Date.now() - lease.lastHeartbeatAt)
      store.recordHeartbeats([{ ...heartbeatRecord(id, spec.timeout_threshold, lease.selfReportedStatus), age_ms }])
    },
    applyReplicaHeartbeats: (heartbeats: readonly StoredHeartbeat[]) => writer.write(table.applyHeartbeats(heartbeats)),
    applyRegistration: (registration: StoredRegistration) => {
      const agent = table.applyRegistration(registration)
      if (agent) writer.write([agent])
    },
    applyDeletion: table.applyDeletion,
    get: (id: string) => (applyExpirations(), table.get(id)),
    /** `get` for callers that have applied the expirations already. */
    peek: table.get,
    list: (): readonly Agent[] => (applyExpirations(), Array.from(table.all())),
    /** The number of a holder's agents, stored and pending, beside the unregistered id. */
    countOwnedBesides: (id: string, holder: string) => (
      applyExpirations(),
      table.countOf(holder) + pending.countOf(holder, id)
    ),
    heartbeatPayload: (id: string) => table.payloadOf(id),
    size: table.size,
    counters: () => ({ ...counters, expired: expiredCount() }),
  }
}
