import { createChunkedQueue } from '../flow/chunked-queue.ts'
import type { Log } from '../log.ts'
import type { Change } from '../model/change.ts'
import type { Principal } from '../model/principal.ts'
import type { LeaseThresholds } from './agent-spec.ts'
import { type Agent } from './agent.ts'
import { holderOf, assertMayRegister, assertOwner } from './authorization.ts'
import { NoAgentsHere, QuotaExceeded, UnknownAgent } from './errors.ts'
import type { Leases } from './leases/leases.ts'
import { isAgent, type MeshRegistry } from './mesh-registry.ts'
import type { ParsedHeartbeat, ParsedRegistration } from './parsing/bodies.ts'
import { parseAgent } from './parsing/registration.ts'
import { createQueries } from './queries/queries.ts'
import type { Registrar } from './registrar.ts'
import type { AppliedRegistration } from './registrar.ts'
import { createDependencies, type Provider } from './resolution/dependency-resolver.ts'

export type ResolvedDependencies = Readonly<Record<string, Provider | null>>

/** What whoever registers or beats is told. */
export type RegistrationResult = { readonly agent: Agent; readonly dependencies: ResolvedDependencies | undefined }

export type MeshOperations = ReturnType<typeof createMeshOperations>

/**
 * What the mesh does for its agents, whatever way they ask: over its old routes, or as tools of MCP.
 *
 * Every write says who asks, is checked against who holds the agent, and leaves a line in the audit log.
 */
export function createMeshOperations({
  registrations,
  registry,
  thresholds,
  source,
  log,
}: {
  registrations: Pick<Leases, 'selfPreservation' | 'endSelfPreservation'> & {
    readonly agents: Registrar
    /** Throws until the registry shows what is registered. */
    readonly assertPublished: () => void
  }
  registry: MeshRegistry
  /** For agents that name none. */
  thresholds: () => LeaseThresholds
  /** Name of the source of agents; undefined where the config has none. */
  source: () => string | undefined
  log: Pick<Log, 'info'>
}) {
  const { agents } = registrations
  const dependencies = createDependencies({ registry })
  const backlog = createChunkedQueue<Change>(({ type, before }) => {
    if (type === 'DELETED' && isAgent(before) && !agents.peek(before.server.name))
      dependencies.forget(before.server.name)
  })
  const leave = registry.subscribe(({ changes }) => backlog.add(changes))
  const { known, close, ...asking } = createQueries({ agents, registry, source, assertReady })

  /** Throws where nothing can be said of agents, or nothing yet. */
  function assertReady(): void {
    if (source() === undefined) throw new NoAgentsHere()
    registrations.assertPublished()
  }

  function resultFor(agent: Agent): RegistrationResult {
    return { agent, dependencies: dependencies.tell(agent.id, agent.definition.dependencies) }
  }

  /**
   * Takes a registration; `expected` is the version that must be there (`If-Match`), where the caller asks for one.
   * Resolves once it is safely stored and everybody can see it.
   */
  async function register(
    { registration, payload: sent }: ParsedRegistration,
    {
      principal,
      countsAsHeartbeat,
      expectedVersion,
    }: { principal: Principal; countsAsHeartbeat: boolean; expectedVersion?: string | undefined },
  ): Promise<RegistrationResult & AppliedRegistration> {
    assertMayRegister(principal)
    assertReady()
    const { id } = registration
    const before = typeof id === 'string' ? agents.get(id) : undefined
    const request = parseAgent(registration, { defaults: thresholds(), countsAsHeartbeat, sent, known: before })
    assertMayRegister(principal, request.definition.namespace)
    // Clients of old send a version of their own making with what is new; nothing is there that it could be held against.
    const version = expectedVersion ?? (before ? request.expectedVersion : undefined)
    const holder = (known: Agent | undefined) => heldBy(principal, request.id, known)
    const registered = await agents.register({ ...request, expectedVersion: version }, holder)
    if (registered.changed) audit(principal, registered.agent.id, before, registered.agent)
    return { ...registered, ...resultFor(registered.agent) }
  }

  /** Who holds the agent of an id once the caller has registered it; throws where it may not, or holds too many. */
  function heldBy(principal: Principal, id: string, known: Agent | undefined): string | undefined {
    if (known) assertOwner(principal, known)
    const holder = holderOf(principal, known)
    if (holder !== undefined && holder !== known?.storedLease.holder) refuseTooMany(id, principal)
    return holder
  }

  function refuseTooMany(id: string, { name, max_agents: most }: Principal): void {
    if (most === undefined) return
    const held = agents.countOwnedBesides(id, name)
    if (held >= most) throw new QuotaExceeded(`This token holds ${held} agents already, the most that it may.`)
  }

  /** Notes a heartbeat. One that carries a whole registration registers; any other of an unknown agent is refused. */
  async function heartbeat(heartbeat: ParsedHeartbeat, principal: Principal): Promise<RegistrationResult> {
    const { agent_id, payload: sent, registration } = heartbeat
    if (registration) return register({ registration, payload: sent }, { principal, countsAsHeartbeat: true })
    const agent = renewLease(agent_id, sent, principal)
    const { endpoint } = sent.metadata ?? {}
    if (typeof endpoint !== 'string' || endpoint === '' || endpoint === agent.spec.endpoint) return resultFor(agent)
    const moved = await agents.changeEndpoint(agent, endpoint)
    if (!moved) throw new UnknownAgent(agent_id)
    audit(principal, moved.id, agent, moved)
    return resultFor(moved)
  }

  /** A heartbeat that carries nothing that has to be stored; the hot one. */
  function renewLease(id: string, sent: ParsedHeartbeat['payload'], principal: Principal): Agent {
    assertMayRegister(principal)
    assertReady()
    const agent = agents.peek(id)
    if (!agent) throw new UnknownAgent(id)
    assertOwner(principal, agent)
    agents.heartbeat(id, sent)
    return agent
  }

  async function unregister(
    id: string,
    { principal, expectedVersion }: { principal: Principal; expectedVersion?: string | undefined },
  ): Promise<void> {
    assertMayRegister(principal)
    const agent = known(id)
    assertOwner(principal, agent)
    if (!(await agents.unregister(id, expectedVersion))) throw new UnknownAgent(id)
    audit(principal, id, agent, undefined)
  }

  function audit({ name }: Principal, agent: string, before: Agent | undefined, after: Agent | undefined): void {
    const versions = { before: before?.stored.resource_version, after: after?.stored.resource_version }
    const what = after ? (before ? 'agent was changed' : 'agent was registered') : 'agent was unregistered'
    log.info({ audit: true, principal: name, agent, ...versions }, what)
  }

  return {
    ...asking,
    register,
    heartbeat,
    renewLease,
    /** A heartbeat that says nothing: what the agent called itself last goes on. */
    keepAlive: (id: string, principal: Principal) => {
      const said = agents.peek(id)?.lease.selfReportedStatus
      return renewLease(id, said === undefined ? {} : { status: said }, principal)
    },
    resultFor,
    unregister,
    assertReady,
    /** The version of the agent of an id, as it is known now; undefined where there is none. */
    versionOf: (id: unknown): string | undefined =>
      typeof id === 'string' ? agents.peek(id)?.stored.resource_version : undefined,
    /** Whether an agent would be told of other providers than the last time. */
    haveProvidersChanged: ({ id, definition }: Agent) => dependencies.hasNews(id, definition.dependencies),
    counters: agents.counters,
    selfPreservation: registrations.selfPreservation,
    /** Ends the self-preservation of leases. */
    endSelfPreservation: registrations.endSelfPreservation,
    close: () => {
      close()
      leave()
    },
  }
}
