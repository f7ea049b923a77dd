import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../log.ts'
import { ServerDefinition } from '../model/server.ts'
import type { Sighting } from '../model/source.ts'
import { type HeardBeat, isNewer, type Operation, type Registration, type Store } from '../stores/store.ts'
import {
  type Agent,
  AgentConflict,
  expectedBy,
  firstInstance,
  putOf,
  QuotaExceeded,
  readingOf,
  staleVersion,
  termsOf,
} from './agent.ts'
import { createGraves } from './graves.ts'
import type { Leases, Turn } from './leases.ts'
import { addressOf, type AgentRequest, RegistrationProblem, type Sent } from './registration.ts'

export type Registered = { readonly agent: Agent; readonly created: boolean; readonly changed: boolean }

export type Agents = ReturnType<typeof createAgents>

/**
 * The agents that announced themselves: durable in the store, alive by their leases, told to the registry as changes.
 *
 * A registration resolves once it is safely stored and everybody can see it. One that says what is known already is a
 * heartbeat and no more.
 */
export function createAgents({
  store,
  leases,
  settings,
  log,
}: {
  store: Pick<Store, 'commit' | 'beat'>
  leases: Leases
  settings: () => { readonly retentionMs: number; readonly most: number }
  log: Log
}) {
  const agents = new Map<string, Agent>()
  const sent = new Map<string, Omit<Sent, 'status'>>()
  const graves = createGraves()
  const counted = { registrations: 0, heartbeats: 0, expired: 0 }
  let tell: ((sighting: Sighting) => void) | undefined
  /** Ids of those that have changed and are still to be told. */
  const untold = new Set<string>()
  let telling: Promise<void> | undefined

  /** Where changes go from now on; the answer is all there is. */
  function attach(to: (sighting: Sighting) => void): Sighting {
    tell = to
    return { type: 'picture', readings: [...agents.values()].map(readingOf) }
  }

  /** Ends what `attach` began, unless another has attached meanwhile. */
  function detach(from: (sighting: Sighting) => void): void {
    if (tell === from) tell = undefined
  }

  /** `holder` is who may touch it from now on; undefined: whoever held it goes on to. */
  async function register(request: AgentRequest, holder?: string): Promise<Registered> {
    const known = agents.get(request.id)
    if (known) refuseStranger(known, request)
    else refuseTooMany()
    const holds = holder ?? known?.held.holder
    if (known && request.expected === undefined && saysTheSame(known, request) && holds === known.held.holder) {
      counted.registrations += 1
      return { agent: renew(refreshed(known, request), request), created: false, changed: false }
    }
    const expect = firstInstance(known, request) ? 'none' : expectedBy(request)
    const [outcome] = await store.commit([{ ...putOf(request, holds), expect }])
    // Another instance was there first: whether it may stay is judged by who it is.
    if (outcome?.type === 'conflict' && expect === 'none' && outcome.current) {
      take(outcome.current)
      return register(request, holder)
    }
    if (outcome?.type === 'refused')
      throw new RegistrationProblem('registration', `Validation failed: ${outcome.reason}`)
    if (outcome?.type !== 'put') throw new AgentConflict(staleVersion(request), agents.get(request.id))
    const agent = take(outcome.registration, { said: request }) ?? agents.get(request.id)
    if (!agent) throw new AgentConflict(`Agent ${request.id} was removed meanwhile`, undefined)
    counted.registrations += 1
    renew(agent, request)
    show([agent])
    await telling
    return { agent, created: outcome.created, changed: true }
  }

  function refuseTooMany(): void {
    const { most } = settings()
    if (agents.size >= most)
      throw new QuotaExceeded(`There are ${most} agents already, the most that this registry takes.`)
  }

  /** The same id is the same holder, unless both say which instance they are and these differ. */
  function refuseStranger(known: Agent, { id, instance_id, takeover }: AgentRequest): void {
    const holds = known.held.instance_id
    if (!holds || !instance_id || holds === instance_id || takeover) return
    if (known.lease.status === 'unhealthy' || known.lease.status === 'offline') return
    throw new AgentConflict(
      `Agent ${id} is held by another instance whose lease still runs; stop it, or send "takeover": true`,
      known,
    )
  }

  function saysTheSame(known: Agent, { definition, facts, instance_id, sent: said }: AgentRequest): boolean {
    return (
      known.held.instance_id === instance_id &&
      isDeepStrictEqual(known.definition, definition) &&
      isDeepStrictEqual(known.facts, said?.metadata ? { ...facts, config: known.facts.config } : facts)
    )
  }

  /** An agent whose metadata moves with its heartbeats shows the newest, without another revision. */
  function refreshed(known: Agent, { facts, sent: said }: AgentRequest): Agent {
    if (!said?.metadata || isDeepStrictEqual(known.facts.config, facts.config)) return known
    const agent = { ...known, facts }
    agents.set(agent.id, agent)
    return agent
  }

  function renew(agent: Agent, { beats, sent: said }: AgentRequest): Agent {
    if (beats) heartbeat(agent.id, said)
    else if (agent.lease.beaten) leases.beat(agent.id, agent.lease.said)
    return agents.get(agent.id) ?? agent
  }

  /** Notes a heartbeat; undefined where nobody of that id is registered. */
  function heartbeat(id: string, { status, metadata, timestamp }: Sent = {}): Agent | undefined {
    const agent = agents.get(id)
    const beat = agent && leases.beat(id, status)
    if (!beat) return undefined
    counted.heartbeats += 1
    store.beat([
      {
        name: id,
        age_ms: 0,
        timeout: agent.facts.timeout_threshold,
        ...(status && status !== 'healthy' && { said: status }),
      },
    ])
    if (metadata !== undefined || timestamp !== undefined)
      sent.set(id, { ...(metadata && { metadata }), ...(timestamp !== undefined && { timestamp }) })
    if (beat.changed) show([agent])
    return agent
  }

  /** Moves an agent to another address, which is a change of what it is. */
  async function moveTo(agent: Agent, endpoint: string): Promise<Agent> {
    const definition = ServerDefinition.safeParse({ ...agent.definition, ...addressOf(endpoint) })
    if (!definition.success) throw new RegistrationProblem('endpoint', "Validation failed: 'endpoint' must be a URL")
    const facts = { ...agent.facts, endpoint }
    const { instance_id } = agent.held
    const moved = { id: agent.id, definition: definition.data, facts, instance_id, takeover: true, beats: false }
    return (await register(moved)).agent
  }

  /** Whether there was such an agent. */
  async function unregister(id: string, expected?: string): Promise<boolean> {
    const known = agents.get(id)
    if (!known) return false
    const key = { kind: 'agent', namespace: known.definition.namespace, name: id } as const
    const [outcome] = await store.commit([
      { type: 'delete', ...key, expect: expected === undefined ? 'any' : { version: expected } },
    ])
    if (outcome?.type === 'conflict' && outcome.current)
      throw new AgentConflict(`Agent ${id} has another version than ${expected}`, agents.get(id))
    if (outcome?.type === 'deleted') deleted(id, outcome.resource_version)
    else forgetAt(id, known.stored.resource_version)
    return true
  }

  /** Applies what time has changed, and tells what is still to be told; called before every read. */
  function settle(): void {
    const turns = leases.settle()
    if (turns.length > 0) takeTurns(turns)
    tellAll()
  }

  function takeTurns(turns: readonly Turn[]): void {
    const gone = turns.filter(({ status }) => status === 'forgotten').map(({ lease }) => lease.id)
    const turned = turns.flatMap(({ lease, status }) => (status === 'forgotten' ? [] : (agents.get(lease.id) ?? [])))
    counted.expired += turned.length
    logTurns(turns)
    show(turned)
    if (gone.length > 0) retire(gone)
  }

  function logTurns(turns: readonly Turn[]): void {
    for (const { lease, status } of turns.slice(0, 20))
      log.info({ agent: lease.id, status }, 'agent was not heard in time')
    if (turns.length > 20) log.info({ more: turns.length - 20 }, 'more agents were not heard in time')
  }

  /** Removes those that were silent beyond retention; the store follows when it can. */
  function retire(ids: readonly string[]): void {
    const operations = ids.flatMap((id): Operation[] => {
      const agent = agents.get(id)
      if (!agent) return []
      const expect = { version: agent.stored.resource_version }
      return [{ type: 'delete', kind: 'agent', namespace: agent.definition.namespace, name: id, expect }]
    })
    forget(ids)
    store
      .commit(operations)
      .catch((error: unknown) => log.warn({ err: error }, 'forgotten agents could not be removed from the store yet'))
  }

  function forget(ids: readonly string[]): void {
    for (const id of ids) {
      agents.delete(id)
      sent.delete(id)
      leases.close(id)
    }
    tell?.({ type: 'change', readings: [], gone: ids })
  }

  /** Takes in that somebody deleted an agent, unless it was registered anew since. */
  function deleted(id: string, version: string): void {
    graves.dig(id, version)
    forgetAt(id, version)
  }

  function forgetAt(id: string, version: string): void {
    const known = agents.get(id)
    if (known && !isNewer(known.stored.resource_version, version)) forget([id])
  }

  /** Has agents told with whatever else changes now, as one revision; before anybody reads in any case. */
  function show(changed: readonly Agent[]): void {
    for (const { id } of changed) untold.add(id)
    if (untold.size > 0) telling ??= Promise.resolve().then(tellAll)
  }

  function tellAll(): void {
    telling = undefined
    if (untold.size === 0) return
    const readings = [...untold].flatMap((id) => {
      const agent = agents.get(id)
      return agent ? readingOf(agent) : []
    })
    untold.clear()
    try {
      tell?.({ type: 'change', readings, gone: [] })
    } catch (error) {
      log.error({ err: error }, 'agents have changed and could not be shown')
    }
  }

  /** Takes a stored registration in, unless a newer one is known; the lease goes on. */
  function take(
    registration: Registration,
    { said, heard }: { said?: Pick<Agent, 'definition' | 'facts'>; heard?: Heard } = {},
  ): Agent | undefined {
    const { name: id, resource_version, created_at, updated_at, lease: held } = registration
    const known = agents.get(id)
    if (known && !isNewer(resource_version, known.stored.resource_version)) return undefined
    if (graves.hold(id, resource_version)) return undefined
    const { definition, facts } = said ?? storedIn(registration)
    const terms = termsOf(facts, settings().retentionMs)
    const lease = known && leases.renew(id, terms)
    const agent: Agent = {
      id,
      definition,
      facts,
      stored: { resource_version, created_at, updated_at },
      held: held ?? { timeout: facts.timeout_threshold, eviction: facts.eviction_threshold },
      lease: lease ?? leases.open(id, terms, heard ?? { beaten: false }),
    }
    agents.set(id, agent)
    return agent
  }

  /**
   * Takes in what the store holds. While this daemon was down nobody could be heard, so silence counts only as far as it
   * was longer than that of whoever was heard last; who was alive then has a full interval from now.
   */
  function load(registrations: readonly Registration[], beats: readonly HeardBeat[], version: string): void {
    const present = new Set(registrations.map(({ name }) => name))
    // Who was registered after the picture was taken is no part of it, and stays.
    const lost = [...agents.values()].filter(({ id, stored }) => {
      return !present.has(id) && !isNewer(stored.resource_version, version)
    })
    const ages = new Map(beats.map((beat) => [beat.name, beat]))
    const least = beats.reduce((sum, { age_ms }) => Math.min(sum, age_ms), Infinity)
    const fresh = registrations.filter(({ name }) => !agents.has(name))
    const taken = registrations.flatMap(
      (one) => take(one, { heard: heardBefore(one, ages.get(one.name), least) }) ?? [],
    )
    if (lost.length > 0) forget(lost.map(({ id }) => id))
    show(taken)
    // Those who were known already may have been heard by another replica.
    const news = new Set(fresh.map(({ name }) => name))
    heard(beats.filter(({ name }) => !news.has(name)))
  }

  /** What another replica heard. */
  function heard(beats: readonly HeardBeat[]): void {
    const changed = beats.flatMap(({ name, age_ms, said }) => {
      const agent = agents.get(name)
      const beat = agent && leases.beat(name, said === 'degraded' ? 'degraded' : 'healthy', age_ms)
      return agent && beat?.changed ? [agent] : []
    })
    show(changed)
  }

  return {
    attach,
    detach,
    register,
    heartbeat,
    moveTo,
    unregister,
    settle,
    load,
    heard,
    put: (registration: Registration) => {
      const agent = take(registration)
      if (agent) show([agent])
    },
    deleted,
    get: (id: string) => (settle(), agents.get(id)),
    /** The same for whoever has settled what is due already. */
    peek: (id: string) => agents.get(id),
    list: (): readonly Agent[] => (settle(), [...agents.values()]),
    sent: (id: string) => sent.get(id),
    size: () => agents.size,
    counts: () => ({ ...counted }),
  }
}

function storedIn({ definition }: Registration): Pick<Agent, 'definition' | 'facts'> {
  return JSON.parse(definition) as Pick<Agent, 'definition' | 'facts'>
}

/** What is known of an agent's heartbeats when it is taken in. */
type Heard = {
  readonly beaten: boolean
  readonly silentMs: number
  readonly said?: 'healthy' | 'degraded'
  readonly lastBeat?: number
}

function heardBefore({ lease }: Registration, beat: HeardBeat | undefined, least: number): Heard {
  if (!beat) return { beaten: false, silentMs: 0 }
  const silent = beat.age_ms - least
  return {
    beaten: true,
    silentMs: silent < (lease?.timeout ?? 60) * 1000 ? 0 : silent,
    said: beat.said === 'degraded' ? 'degraded' : 'healthy',
    lastBeat: Date.now() - beat.age_ms,
  }
}
