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
import { parseAgent } from './parsing/registration.ts'
import type { Heartbeat, ParsedRegistration } from './parsing/request-parsers.ts'
import { createQueries } from './queries/queries.ts'
import type { Registrar } from './registrar.ts'
import type { AppliedRegistration } from './registrar.ts'
import { createDependencies, type Provider } from './resolution/dependencies.ts'

export type Dependencies = Readonly<Record<string, Provider | null>>

/** What whoever registers or beats is told. */
export type RegistrationResult = { readonly agent: Agent; readonly dependencies: Dependencies | undefined }

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
  registrations: Pick<Leases, 'preservation' | 'release'> & {
    readonly agents: Registrar
    /** Throws until the registry shows what is registered. */
    readonly mustBeShown: () => void
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
  const { known, close, ...asking } = createQueries({ agents, registry, source, mustKnow })

  /** Throws where nothing can be said of agents, or nothing yet. */
  function mustKnow(): void {
    if (source() === undefined) throw new NoAgentsHere()
    registrations.mustBeShown()
  }

  function tell(agent: Agent): RegistrationResult {
    return { agent, dependencies: dependencies.tell(agent.id, agent.definition.dependencies) }
  }

  /**
   * Takes a registration; `expected` is the version that must be there (`If-Match`), where the caller asks for one.
   * Resolves once it is safely stored and everybody can see it.
   */
  async function register(
    { registration, sent }: ParsedRegistration,
    { caller, beats, expected }: { caller: Principal; beats: boolean; expected?: string | undefined },
  ): Promise<RegistrationResult & AppliedRegistration> {
    assertMayRegister(caller)
    mustKnow()
    const { id } = registration
    const before = typeof id === 'string' ? agents.get(id) : undefined
    const request = parseAgent(registration, { defaults: thresholds(), beats, sent, known: before })
    assertMayRegister(caller, request.definition.namespace)
    // Clients of old send a version of their own making with what is new; nothing is there that it could be held against.
    const version = expected ?? (before ? request.expected : undefined)
    const holder = (known: Agent | undefined) => heldBy(caller, request.id, known)
    const registered = await agents.register({ ...request, expected: version }, holder)
    if (registered.changed) audit(caller, registered.agent.id, before, registered.agent)
    return { ...registered, ...tell(registered.agent) }
  }

  /** Who holds the agent of an id once the caller has registered it; throws where it may not, or holds too many. */
  function heldBy(caller: Principal, id: string, known: Agent | undefined): string | undefined {
    if (known) assertOwner(caller, known)
    const holder = holderOf(caller, known)
    if (holder !== undefined && holder !== known?.held.holder) refuseTooMany(id, caller)
    return holder
  }

  function refuseTooMany(id: string, { name, max_agents: most }: Principal): void {
    if (most === undefined) return
    const held = agents.heldBeside(id, name)
    if (held >= most) throw new QuotaExceeded(`This token holds ${held} agents already, the most that it may.`)
  }

  /** Notes a heartbeat. One that carries a whole registration registers; any other of an unknown agent is refused. */
  async function beat(beat: Heartbeat, caller: Principal): Promise<RegistrationResult> {
    const { agent_id, sent, registration } = beat
    if (registration) return register({ registration, sent }, { caller, beats: true })
    const agent = beatNow(agent_id, sent, caller)
    const { endpoint } = sent.metadata ?? {}
    if (typeof endpoint !== 'string' || endpoint === '' || endpoint === agent.facts.endpoint) return tell(agent)
    const moved = await agents.moveTo(agent, endpoint)
    if (!moved) throw new UnknownAgent(agent_id)
    audit(caller, moved.id, agent, moved)
    return tell(moved)
  }

  /** A heartbeat that carries nothing that has to be stored; the hot one. */
  function beatNow(id: string, sent: Heartbeat['sent'], caller: Principal): Agent {
    assertMayRegister(caller)
    mustKnow()
    const agent = agents.peek(id)
    if (!agent) throw new UnknownAgent(id)
    assertOwner(caller, agent)
    agents.heartbeat(id, sent)
    return agent
  }

  async function unregister(
    id: string,
    { caller, expected }: { caller: Principal; expected?: string | undefined },
  ): Promise<void> {
    assertMayRegister(caller)
    const agent = known(id)
    assertOwner(caller, agent)
    if (!(await agents.unregister(id, expected))) throw new UnknownAgent(id)
    audit(caller, id, agent, undefined)
  }

  function audit({ name }: Principal, agent: string, before: Agent | undefined, after: Agent | undefined): void {
    const versions = { before: before?.stored.resource_version, after: after?.stored.resource_version }
    const what = after ? (before ? 'agent was changed' : 'agent was registered') : 'agent was unregistered'
    log.info({ audit: true, principal: name, agent, ...versions }, what)
  }

  return {
    ...asking,
    register,
    beat,
    beatNow,
    /** A heartbeat that says nothing: what the agent called itself last goes on. */
    renew: (id: string, caller: Principal) => {
      const said = agents.peek(id)?.lease.said
      return beatNow(id, said === undefined ? {} : { status: said }, caller)
    },
    tell,
    unregister,
    mustKnow,
    /** The version of the agent of an id, as it is known now; undefined where there is none. */
    versionOf: (id: unknown): string | undefined =>
      typeof id === 'string' ? agents.peek(id)?.stored.resource_version : undefined,
    /** Whether an agent would be told of other providers than the last time. */
    hasNews: ({ id, definition }: Agent) => dependencies.hasNews(id, definition.dependencies),
    counts: agents.counts,
    preservation: registrations.preservation,
    /** Ends the self-preservation of leases. */
    release: registrations.release,
    close: () => {
      close()
      leave()
    },
  }
}
