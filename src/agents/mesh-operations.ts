import type { Log } from '../log.ts'
import type { Principal } from '../model/principal.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import type { AgentListener, Agent, HeartbeatPayload, LeaseThresholds } from './agent.ts'
import { assertMayRegister, assertOwner, newHolderOf } from './authorization.ts'
import { AgentsNotAccepted, LeaseLapsed, QuotaExceeded, UnknownAgent } from './errors.ts'
import { isLapsed } from './leases/lease.ts'
import type { Leases } from './leases/leases.ts'
import type { MeshRegistry } from './mesh-registry.ts'
import { parseAgentRequest } from './parsing/agent-request.ts'
import type { ParsedHeartbeat, ParsedRegistration } from './parsing/bodies.ts'
import { createQueries } from './queries/queries.ts'
import type { AppliedRegistration } from './registering/registration.ts'
import type { Registrar } from './registrar.ts'
import type { RewiringListener } from './resolution/resolution-port.ts'
import { type AgentAnswer, answerMembers, createResolution } from './resolution/resolution.ts'

/** The outcome of a registration or heartbeat, as the agent receives it. */
export type RegistrationResult = AgentAnswer & {
  readonly agent: Agent
  /** The definition of higher precedence that the registry shows under the agent's name. */
  readonly shadowed_by?: { readonly source: string; readonly origin: string }
}

/** The members of a response to a registration or heartbeat. */
export function resultMembers(result: RegistrationResult): object {
  const { shadowed_by } = result
  return shadowed_by ? { ...answerMembers(result), shadowed_by } : answerMembers(result)
}

export type MeshOperations = ReturnType<typeof createMeshOperations>

/**
 * The operations of the mesh, for its HTTP routes and its MCP tools alike.
 *
 * Every write names its principal, is checked against the agent's holder, and leaves an audit log line.
 */
export function createMeshOperations({
  registrations,
  registry,
  thresholds,
  source,
  log,
  onRewired,
  onAgent,
}: {
  registrations: Pick<Leases, 'selfPreservation' | 'endSelfPreservation'> & {
    readonly agents: Registrar
    /** Throws until the registry shows the registered agents. */
    readonly assertPublished: () => void
  }
  registry: MeshRegistry
  /** Thresholds of agents that name none. */
  thresholds: () => LeaseThresholds
  /** Name of the source of agents; undefined where the config has none. */
  source: () => string | undefined
  log: Pick<Log, 'info' | 'warn'>
  onRewired?: RewiringListener | undefined
  /** Called for every registration, change and removal. */
  onAgent?: AgentListener | undefined
}) {
  const { agents } = registrations
  const resolution = createResolution({ registry, agentOf: agents.peek, onRewired, log })
  const { requireAgent, close, ...queries } = createQueries({
    agents,
    registry,
    resolutions: resolution.views,
    source,
    assertReady,
  })

  /** Throws where the registry accepts no agents, or does not show them yet. */
  function assertReady(): void {
    if (source() === undefined) throw new AgentsNotAccepted()
    registrations.assertPublished()
  }

  function resultFor(agent: Agent): RegistrationResult {
    return { agent, ...resolution.answer(agent) }
  }

  /** Registers an agent; resolves once it is stored and visible. `expectedVersion`: from `If-Match`. */
  async function register(
    { registration, payload }: ParsedRegistration,
    {
      principal,
      countsAsHeartbeat,
      expectedVersion,
      survivesOutage = false,
    }: {
      principal: Principal
      countsAsHeartbeat: boolean
      expectedVersion?: string | undefined
      survivesOutage?: boolean
    },
  ): Promise<RegistrationResult & AppliedRegistration> {
    assertMayRegister(principal)
    assertReady()
    const { id } = registration
    const requestFor = (current: Agent | undefined) => {
      const request = parseAgentRequest(registration, {
        defaults: thresholds(),
        countsAsHeartbeat,
        payload,
        current,
      })
      assertMayRegister(principal, request.definition.namespace)
      // Original clients send a made-up version with a new agent. No stored version exists to compare it with.
      return { ...request, expectedVersion: expectedVersion ?? (current ? request.expectedVersion : undefined) }
    }
    const request = requestFor(typeof id === 'string' ? agents.get(id) : undefined)
    const holderOf = (current: Agent | undefined) => authorizeHolder(principal, request.id, current)
    const applied = await agents.register(request, holderOf, {
      requestFor,
      survivesOutage,
      maxHolderBytes: principal.max_agent_bytes,
    })
    const { winner } = queries.get(applied.agent.id)
    if (applied.changed) audit(principal, applied.agent.id, applied.before, applied.agent, winner?.source)
    const shadowed_by = winner && { source: winner.source, origin: redactText(winner.origin) }
    return { ...applied, ...resultFor(applied.agent), ...(shadowed_by && { shadowed_by }) }
  }

  /** The new holder of an agent; throws where the principal lacks the right or holds too many agents. */
  function authorizeHolder(principal: Principal, id: string, current: Agent | undefined): string | undefined {
    if (current) assertOwner(principal, current)
    const holder = newHolderOf(principal, current)
    if (holder !== undefined && holder !== current?.ownership.holder) assertBelowLimit(id, principal)
    return holder
  }

  function assertBelowLimit(id: string, { name, max_agents }: Principal): void {
    if (max_agents === undefined || agents.countOwnedBesides(id, name) < max_agents) return
    throw new QuotaExceeded(`Agent limit of this token (${max_agents}) reached.`)
  }

  /**
   * Records a heartbeat. One with a whole registration registers; any other of an unknown agent is rejected.
   *
   * While the store is down, a heartbeat that says what this daemon knows of the agent renews its lease.
   */
  async function heartbeat(body: ParsedHeartbeat, principal: Principal): Promise<RegistrationResult> {
    const { agent_id, payload, registration } = body
    if (registration)
      return register({ registration, payload }, { principal, countsAsHeartbeat: true, survivesOutage: true })
    const agent = renewLease(agent_id, payload, principal)
    const { endpoint } = payload.metadata ?? {}
    if (typeof endpoint !== 'string' || endpoint === '') return resultFor(agent)
    if (endpoint === agent.spec.endpoint && !(await agents.refreshIfUp(agent_id))) return resultFor(agent)
    const current = requireOwned(agent_id, principal)
    const holderOf = (stored: Agent | undefined) => {
      if (stored) assertOwner(principal, stored)
      return undefined
    }
    const changed = await agents.changeEndpoint(current, endpoint, holderOf)
    if (!changed) throw new UnknownAgent(agent_id)
    if (changed !== current) audit(principal, changed.id, current, changed)
    return resultFor(changed)
  }

  /** Records a heartbeat without anything to store: the hot path. */
  function renewLease(id: string, payload: HeartbeatPayload, principal: Principal): Agent {
    const agent = requireOwned(id, principal)
    agents.heartbeat(id, payload)
    return agent
  }

  /** Records a heartbeat without a body: the self-reported status stays. It revives no lapsed lease. */
  function keepAlive(id: string, principal: Principal): Agent {
    const agent = requireOwned(id, principal)
    if (isLapsed(agent.lease)) throw new LeaseLapsed(id)
    agents.heartbeat(id, { status: agent.lease.selfReportedStatus })
    return agent
  }

  function requireOwned(id: string, principal: Principal): Agent {
    assertMayRegister(principal)
    assertReady()
    const agent = agents.peek(id)
    if (!agent) throw new UnknownAgent(id)
    assertOwner(principal, agent)
    return agent
  }

  async function unregister(
    id: string,
    {
      principal,
      expectedVersion,
      isRehearsed = false,
    }: { principal: Principal; expectedVersion?: string | undefined; isRehearsed?: boolean },
  ): Promise<void> {
    assertMayRegister(principal)
    assertReady()
    let removed: Agent | undefined
    const remove = isRehearsed ? agents.rehearseUnregister : agents.unregister
    const isRemoved = await remove(id, expectedVersion, (agent) => {
      assertOwner(principal, agent)
      removed = agent
    })
    if (!isRemoved) throw new UnknownAgent(id)
    if (!isRehearsed) audit(principal, id, removed, undefined)
  }

  function audit(
    { name }: Principal,
    agent: string,
    before: Agent | undefined,
    after: Agent | undefined,
    shadowedBy?: string,
  ): void {
    const versions = { before: before?.stored.resource_version, after: after?.stored.resource_version }
    const event = after ? (before ? 'agent changed' : 'agent registered') : 'agent unregistered'
    log.info(
      { audit: true, principal: name, agent, ...versions, ...(shadowedBy && { shadowed_by: shadowedBy }) },
      event,
    )
    if (after && before) onAgent?.({ type: 'changed', agent: after, before, principal: name })
    else if (after) onAgent?.({ type: 'registered', agent: after, principal: name })
    else if (before) onAgent?.({ type: 'unregistered', agent: before, principal: name })
  }

  return {
    ...queries,
    register,
    heartbeat,
    renewLease,
    keepAlive,
    resultFor,
    unregister,
    assertReady,
    /** The version of an agent as the store has it now; undefined for an unknown id. */
    storedVersion: async (id: unknown): Promise<string | undefined> => {
      if (typeof id !== 'string' || source() === undefined) return undefined
      await agents.refresh(id)
      return agents.peek(id)?.stored.resource_version
    },
    /** Whether the agent's dependencies resolve to other providers than in its last response. */
    haveProvidersChanged: resolution.hasChanged,
    /** The functions of an agent with their dependencies, and why these have their providers. */
    explain: async (id: string) => ({ agent: queries.get(id), ...(await resolution.explain(requireAgent(id))) }),
    dependenciesOf: resolution.graphOf,
    resolutions: resolution.views,
    counters: agents.counters,
    selfPreservation: registrations.selfPreservation,
    endSelfPreservation: registrations.endSelfPreservation,
    close: () => {
      close()
      resolution.close()
    },
  }
}
