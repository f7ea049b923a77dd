import type { Log } from '../log.ts'
import { jsonEqual, reuseEqualParts } from '../model/json-equal.ts'
import { ServerDefinition } from '../model/server.ts'
import type { Sighting } from '../model/source.ts'
import type { StoredHeartbeat, StoreOperation, Registration, Store } from '../stores/store.ts'
import { endpointAddress } from './agent-spec.ts'
import { createAgentTable } from './agent-table.ts'
import { type Agent, precondition, toPutOperation, staleVersion } from './agent.ts'
import { AgentConflict, QuotaExceeded, RegistrationProblem } from './errors.ts'
import type { Leases, LeaseTransition } from './leases/leases.ts'
import { type AgentRequest, type HeartbeatPayload } from './parsing/registration.ts'
import { createPendingRegistrations } from './pending-registrations.ts'
import { createRegistryWriter } from './registry-writer.ts'

export type AppliedRegistration = { readonly agent: Agent; readonly created: boolean; readonly changed: boolean }

/** Who holds an agent that is known by now, or none yet; throws where the caller may not have it. */
export type OwnerCheck = (known: Agent | undefined) => string | undefined

export type Registrar = ReturnType<typeof createRegistrar>

/**
 * The agents that announced themselves: durable in the store, alive by their leases, told to the registry as changes.
 *
 * A registration resolves once it is safely stored and everybody can see it. One that says what is known already is a
 * heartbeat and no more.
 */
export function createRegistrar({
  store,
  leases,
  settings,
  log,
}: {
  store: Pick<Store, 'commit' | 'recordHeartbeats'>
  leases: Leases
  settings: () => { readonly maxAgents: number }
  log: Log
}) {
  const telling = createRegistryWriter({ agentOf: (id) => roll.get(id), log })
  const roll = createAgentTable({ leases, onGone: telling.gone })
  const counted = { registrations: 0, heartbeats: 0, expired: 0 }
  const coming = createPendingRegistrations()
  const { take } = roll
  const { show } = telling

  /**
   * `holderOf` says who may touch it from now on, given what is known by then, and throws where the caller may not;
   * undefined: whoever held it goes on to.
   */
  async function register(
    heartbeatPayload: AgentRequest,
    holderOf: OwnerCheck = () => undefined,
  ): Promise<AppliedRegistration> {
    const known = roll.get(heartbeatPayload.id)
    const request = known ? sharing(known, heartbeatPayload) : heartbeatPayload
    const holds = holderOf(known) ?? known?.storedLease.holder
    if (known) refuseStranger(known, request)
    else refuseTooMany(heartbeatPayload.id)
    if (
      known &&
      request.expectedVersion === undefined &&
      saysTheSame(known, request) &&
      holds === known.storedLease.holder
    ) {
      counted.registrations += 1
      return { agent: renew(refreshed(known, request), request), created: false, changed: false }
    }
    const expect = precondition(known, request)
    const arrived = known ? undefined : coming.begin(heartbeatPayload.id, holds)
    const [outcome] = await store.commit([{ ...toPutOperation(request, holds), expect }]).finally(arrived)
    // Somebody was there first: whether this one may stay is judged by who both are.
    if (outcome?.type === 'conflict' && !known && outcome.current) {
      if (take(outcome.current) ?? roll.get(heartbeatPayload.id)) return register(heartbeatPayload, holderOf)
    }
    if (outcome?.type === 'rejected')
      throw new RegistrationProblem('registration', `Validation failed: ${outcome.reason}`)
    if (outcome?.type !== 'put') throw new AgentConflict(staleVersion(request), roll.get(heartbeatPayload.id))
    const agent = take(outcome.registration, { said: request }) ?? roll.get(heartbeatPayload.id)
    if (!agent) throw new AgentConflict(`Agent ${heartbeatPayload.id} was removed meanwhile`, undefined)
    counted.registrations += 1
    renew(agent, request)
    show([agent])
    await telling.done()
    return { agent, created: outcome.created, changed: true }
  }

  function refuseTooMany(id: string): void {
    const { maxAgents } = settings()
    if (roll.size() + coming.all(id) >= maxAgents)
      throw new QuotaExceeded(`There are ${maxAgents} agents already, the most that this registry takes.`)
  }

  /** The same id is the same holder, unless both say which instance they are and these differ. */
  function refuseStranger(known: Agent, { id, instance_id, takeover }: AgentRequest): void {
    const holds = known.storedLease.instance_id
    if (!holds || !instance_id || holds === instance_id || takeover) return
    if (known.lease.status === 'unhealthy' || known.lease.status === 'offline') return
    throw new AgentConflict(
      `Agent ${id} is held by another instance whose lease still runs; stop it, or send "takeover": true`,
      known,
      'instance',
    )
  }

  /** An agent whose metadata moves with its heartbeats shows the newest, without another revision. */
  function refreshed(known: Agent, { spec: facts, sent: said }: AgentRequest): Agent {
    if (!said?.metadata || known.spec.config === facts.config) return known
    const agent = { ...known, spec: facts, hasUnstoredConfig: true as const }
    roll.put(agent)
    return agent
  }

  /** Who was ever heard is heard by registering again, whether that says how it is or not. */
  function renew(agent: Agent, { countsAsHeartbeat: beats, sent: said }: AgentRequest): Agent {
    if (beats) heartbeat(agent.id, said)
    else if (agent.lease.hasHeartbeat) keepAlive(agent.id, agent.lease.selfReportedStatus)
    return roll.get(agent.id) ?? agent
  }

  /** Notes a heartbeat; undefined where nobody of that id is registered. */
  function heartbeat(id: string, { status, metadata, timestamp }: HeartbeatPayload = {}): Agent | undefined {
    const agent = keepAlive(id, status)
    if (!agent) return undefined
    counted.heartbeats += 1
    if (metadata !== undefined || timestamp !== undefined)
      roll.sent.set(id, { ...(metadata && { metadata }), ...(timestamp !== undefined && { timestamp }) })
    return agent
  }

  /** Renews a lease, here and for other replicas; undefined where nobody of that id is registered. */
  function keepAlive(id: string, status: HeartbeatPayload['status']): Agent | undefined {
    const agent = roll.get(id)
    const beat = agent && leases.recordHeartbeat(id, status)
    if (!beat) return undefined
    store.recordHeartbeats([
      {
        name: id,
        age_ms: 0,
        timeout: agent.spec.timeout_threshold,
        ...(status && status !== 'healthy' && { self_report: status }),
      },
    ])
    if (beat.changed) show([agent])
    return agent
  }

  /**
   * Moves an agent to another address, which is a change of what it is, or of what it has become meanwhile; undefined
   * where it has been removed.
   */
  async function changeEndpoint(agent: Agent, endpoint: string): Promise<Agent | undefined> {
    // Which of these a definition has goes with its kind of address.
    const { args: _args, env: _env, headers: _headers, ...rest } = agent.definition
    const definition = ServerDefinition.safeParse({ ...rest, ...endpointAddress(endpoint) })
    if (!definition.success) throw new RegistrationProblem('endpoint', "Validation failed: 'endpoint' must be a URL")
    const facts = { ...agent.spec, endpoint }
    const { id, storedLease: held, stored } = agent
    const how = {
      instance_id: held.instance_id,
      takeover: true,
      countsAsHeartbeat: false,
      expectedVersion: stored.resource_version,
    }
    try {
      return (await register({ id, definition: definition.data, spec: facts, ...how })).agent
    } catch (error) {
      const now = roll.get(id)
      if (!(error instanceof AgentConflict) || now?.stored === stored) throw error
      return now === undefined || now.spec.endpoint === endpoint ? now : changeEndpoint(now, endpoint)
    }
  }

  /** Whether there was such an agent. */
  async function unregister(id: string, expected?: string): Promise<boolean> {
    const known = roll.get(id)
    if (!known) return false
    const key = { kind: 'agent', namespace: known.definition.namespace, name: id } as const
    const [outcome] = await store.commit([
      { type: 'delete', ...key, expect: expected === undefined ? 'any' : { version: expected } },
    ])
    if (outcome?.type === 'conflict' && outcome.current)
      throw new AgentConflict(`Agent ${id} has another version than ${expected}`, roll.get(id))
    if (outcome?.type === 'deleted') roll.deleted(id, outcome.resource_version)
    else roll.forgetAt(id, known.stored.resource_version)
    return true
  }

  /** Applies what time has changed, and tells what is still to be told; called before every read. */
  function applyExpirations(): void {
    const turns = leases.applyExpirations()
    if (turns.length > 0) takeTurns(turns)
    telling.now()
  }

  function takeTurns(turns: readonly LeaseTransition[]): void {
    const gone = turns.filter(({ status }) => status === 'forgotten').map(({ lease }) => lease.id)
    const turned = turns.flatMap(({ lease, status }) => (status === 'forgotten' ? [] : (roll.get(lease.id) ?? [])))
    counted.expired += turned.length
    logTurns(turns)
    show(turned)
    if (gone.length > 0) retire(gone)
  }

  function logTurns(turns: readonly LeaseTransition[]): void {
    for (const { lease, status } of turns.slice(0, 20))
      log.info({ agent: lease.id, status }, 'agent was not heard in time')
    if (turns.length > 20) log.info({ more: turns.length - 20 }, 'more agents were not heard in time')
  }

  /** Removes those that were silent beyond retention; the store follows when it can. */
  function retire(ids: readonly string[]): void {
    const operations = ids.flatMap((id): StoreOperation[] => {
      const agent = roll.get(id)
      if (!agent) return []
      const expect = { version: agent.stored.resource_version }
      return [{ type: 'delete', kind: 'agent', namespace: agent.definition.namespace, name: id, expect }]
    })
    roll.forget(ids)
    store
      .commit(operations)
      .catch((error: unknown) => log.warn({ err: error }, 'forgotten agents could not be removed from the store yet'))
  }

  return {
    attach: (to: (sighting: Sighting) => void) => telling.attach(to, roll.all()),
    detach: telling.detach,
    register,
    heartbeat,
    changeEndpoint,
    unregister,
    applyExpirations,
    /** Takes in what the store holds, as it was at a version. */
    load: (registrations: readonly Registration[], beats: readonly StoredHeartbeat[], version: string) =>
      show(roll.load(registrations, beats, version)),
    /** Takes in what another replica heard. */
    applyReplicaHeartbeats: (beats: readonly StoredHeartbeat[]) => show(roll.heard(beats)),
    applyRegistration: (registration: Registration) => {
      const agent = take(registration)
      if (agent) show([agent])
    },
    applyDeletion: roll.deleted,
    get: (id: string) => (applyExpirations(), roll.get(id)),
    /** The same for whoever has settled what is due already. */
    peek: roll.get,
    list: (): readonly Agent[] => (applyExpirations(), Array.from(roll.all())),
    /** How many agents other than `id`, which is none yet, are a holder's own or are about to be. */
    countOwnedBesides: (id: string, holder: string) => (
      applyExpirations(),
      roll.heldBy(holder) + coming.of(holder, id)
    ),
    heartbeatPayload: (id: string) => roll.sent.get(id),
    size: roll.size,
    counters: () => ({ ...counted }),
  }
}

/** A request made of what is known already, wherever it says the same. */
function sharing({ definition, spec: facts }: Agent, request: AgentRequest): AgentRequest {
  return {
    ...request,
    definition: reuseEqualParts(definition, request.definition),
    spec: reuseEqualParts(facts, request.spec),
  }
}

/** Of what was made of what is known, whether it is all the same. */
function saysTheSame(known: Agent, { definition, spec: facts, instance_id, sent: said }: AgentRequest): boolean {
  if (known.storedLease.instance_id !== instance_id || known.definition !== definition) return false
  if (said?.metadata === undefined) return known.spec === facts && !known.hasUnstoredConfig
  return known.spec === facts || jsonEqual(known.spec, { ...facts, config: known.spec.config })
}
