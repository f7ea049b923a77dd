import type { Log } from '../log.ts'
import { jsonEqual, reuseEqualParts } from '../model/data/json-equal.ts'
import { ServerDefinition } from '../model/server.ts'
import type { Sighting } from '../model/source.ts'
import type { StoredHeartbeat, StoredRegistration, Store } from '../stores/store.ts'
import { createAgentTable } from './agent-table.ts'
import type { Agent, AgentRequest, HeartbeatPayload } from './agent.ts'
import { AgentConflict, QuotaExceeded, RegistrationProblem } from './errors.ts'
import { createLeaseExpirations } from './lease-expirations.ts'
import { heartbeatRecord } from './leases/lease-record.ts'
import { isLapsed } from './leases/lease.ts'
import type { Leases } from './leases/leases.ts'
import { endpointAddress } from './parsing/normalize.ts'
import { createPendingRegistrations } from './pending-registrations.ts'
import { createRegistryWriter } from './registry-writer.ts'
import { cycleText } from './resolution/required-cycles.ts'
import { precondition, toDeleteOperation, toPutOperation } from './stored-agent.ts'

export type AppliedRegistration = { readonly agent: Agent; readonly created: boolean; readonly changed: boolean }

/** Returns the new holder of an agent, undefined to keep the present one; throws where the principal lacks the right. */
export type HolderResolver = (current: Agent | undefined) => string | undefined

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
  log,
  onForgotten,
}: {
  store: Pick<Store, 'commit' | 'recordHeartbeats'>
  leases: Leases
  settings: () => { readonly maxAgents: number }
  log: Log
  /** Called with an agent that is removed after its retention. */
  onForgotten?: ((agent: Agent) => void) | undefined
}) {
  const writer = createRegistryWriter({ agentOf: (id) => table.get(id), log })
  const table = createAgentTable({ leases, onGone: writer.remove })
  const pending = createPendingRegistrations()
  const { applyExpirations, expiredCount } = createLeaseExpirations({
    leases,
    table,
    writer,
    store,
    log,
    onForgotten,
  })
  const counters = { registrations: 0, heartbeats: 0 }

  async function register(
    requested: AgentRequest,
    holderOf: HolderResolver = () => undefined,
  ): Promise<AppliedRegistration> {
    const { id } = requested
    const current = table.get(id)
    const request = current ? reuseCurrentParts(current, requested) : requested
    const holder = holderOf(current) ?? current?.ownership.holder
    if (current) assertSameInstance(current, request)
    else assertBelowLimit(id)
    if (
      current &&
      request.expectedVersion === undefined &&
      isUnchanged(current, request) &&
      holder === current.ownership.holder
    ) {
      counters.registrations += 1
      return { agent: renew(withNewConfig(current, request), request), created: false, changed: false }
    }
    assertNoCycle(id, request.spec.tools)
    const expect = precondition(current, request)
    const settled = current ? undefined : pending.begin(id, holder)
    const [outcome] = await store.commit([{ ...toPutOperation(request, holder), expect }]).finally(settled)
    // Another registration was stored first: owner and instance of this one are checked again.
    if (outcome?.type === 'conflict' && !current && outcome.current) {
      if (table.applyRegistration(outcome.current) ?? table.get(id)) return register(requested, holderOf)
    }
    if (outcome?.type === 'rejected')
      throw new RegistrationProblem('registration', `Validation failed: ${outcome.reason}`)
    if (outcome?.type !== 'put') throw new AgentConflict(staleVersion(id, request.expectedVersion), table.get(id))
    const agent = table.applyRegistration(outcome.registration, { parsed: request }) ?? table.get(id)
    if (!agent) throw new AgentConflict(`Agent ${id} was removed during the registration; register again.`, undefined)
    counters.registrations += 1
    renew(agent, request)
    writer.write([agent])
    await writer.flushed()
    return { agent, created: outcome.created, changed: true }
  }

  /** A cycle of required dependencies would make every function in it unavailable for good. */
  function assertNoCycle(id: string, tools: Agent['spec']['tools']): void {
    if (tools === table.get(id)?.spec.tools) return
    const cycle = table.cycleBy(id, tools)
    if (!cycle) return
    const { field, path } = cycle
    throw new RegistrationProblem(
      field,
      `Validation failed: '${field}' closes a required dependency cycle: ${cycleText(path)}; leave out "required" in one of them`,
    )
  }

  function assertBelowLimit(id: string): void {
    const { maxAgents } = settings()
    if (table.size() + pending.countAll(id) >= maxAgents) throw new QuotaExceeded(`Agent limit (${maxAgents}) reached.`)
  }

  /** Keeps the heartbeat's config without a new version of the agent. */
  function withNewConfig(current: Agent, { spec, payload }: AgentRequest): Agent {
    if (!payload?.metadata || current.spec.config === spec.config) return current
    const agent = { ...current, spec, hasUnstoredConfig: true as const }
    table.put(agent)
    return agent
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
      table.payloads.set(id, { ...(metadata && { metadata }), ...(timestamp !== undefined && { timestamp }) })
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

  /** Changes an agent's endpoint, also if the agent changed meanwhile; undefined where it has been removed. */
  async function changeEndpoint(agent: Agent, endpoint: string): Promise<Agent | undefined> {
    // The kind of address decides which of these fields a definition has.
    const { args: _args, env: _env, headers: _headers, ...rest } = agent.definition
    const definition = ServerDefinition.safeParse({ ...rest, ...endpointAddress(endpoint) })
    if (!definition.success) throw new RegistrationProblem('endpoint', "Validation failed: 'endpoint' must be a URL")
    const { id, ownership, stored } = agent
    try {
      const { agent: changed } = await register({
        id,
        definition: definition.data,
        spec: { ...agent.spec, endpoint },
        instance_id: ownership.instance_id,
        takeover: true,
        countsAsHeartbeat: false,
        expectedVersion: stored.resource_version,
      })
      return changed
    } catch (error) {
      const current = table.get(id)
      if (!(error instanceof AgentConflict) || current?.stored === stored) throw error
      return current === undefined || current.spec.endpoint === endpoint ? current : changeEndpoint(current, endpoint)
    }
  }

  /** Removes an agent; false for an unknown id. */
  async function unregister(id: string, expectedVersion?: string): Promise<boolean> {
    const current = table.get(id)
    if (!current) return false
    const [outcome] = await store.commit([toDeleteOperation(current, expectedVersion)])
    if (outcome?.type === 'conflict' && outcome.current)
      throw new AgentConflict(staleVersion(id, expectedVersion), table.get(id))
    if (outcome?.type === 'deleted') table.applyDeletion(id, outcome.resource_version)
    else table.removeUpTo(id, current.stored.resource_version)
    return true
  }

  return {
    attach: (to: (sighting: Sighting) => void) => writer.attach(to, table.all()),
    detach: writer.detach,
    register,
    heartbeat,
    changeEndpoint,
    unregister,
    applyExpirations,
    /** Applies the snapshot of the store at a version. */
    load: (registrations: readonly StoredRegistration[], heartbeats: readonly StoredHeartbeat[], version: string) =>
      writer.write(table.load(registrations, heartbeats, version)),
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
    heartbeatPayload: (id: string) => table.payloads.get(id),
    size: table.size,
    counters: () => ({ ...counters, expired: expiredCount() }),
  }
}

/** The same id means the same instance, unless both name their instances and these differ. */
function assertSameInstance(current: Agent, { id, instance_id, takeover }: AgentRequest): void {
  const holding = current.ownership.instance_id
  if (!holding || !instance_id || holding === instance_id || takeover) return
  if (isLapsed(current.lease)) return
  throw new AgentConflict(
    `Another instance holds agent ${id} and its lease has not expired; stop that instance, or send "takeover": true.`,
    current,
  )
}

function staleVersion(id: string, expectedVersion: string | undefined): string {
  return `resource_version ${expectedVersion} of agent ${id} is stale; read the agent again and retry.`
}

/** Replaces the parts of a request that are equal to the current agent's with those, so that `===` compares them. */
function reuseCurrentParts({ definition, spec }: Agent, request: AgentRequest): AgentRequest {
  return {
    ...request,
    definition: reuseEqualParts(definition, request.definition),
    spec: reuseEqualParts(spec, request.spec),
  }
}

/** Whether a request that reuses the current parts changes nothing that is stored. */
function isUnchanged(current: Agent, { definition, spec, instance_id, payload }: AgentRequest): boolean {
  if (current.ownership.instance_id !== instance_id || current.definition !== definition) return false
  if (payload?.metadata === undefined) return current.spec === spec && !current.hasUnstoredConfig
  return current.spec === spec || jsonEqual(current.spec, { ...spec, config: current.spec.config })
}
