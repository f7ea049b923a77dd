import { isNewer, type StoredRegistration, type StoredHeartbeat } from '../stores/store.ts'
import { createTombstones } from '../stores/tombstones.ts'
import { type Agent, type HeartbeatPayload, leaseTermsOf, type Ownership } from './agent.ts'
import { downtimeMs, historyOf, selfReportIn } from './leases/lease-record.ts'
import type { HeartbeatHistory } from './leases/lease.ts'
import type { Leases } from './leases/leases.ts'
import type { AgentBytes } from './registering/agent-bytes.ts'
import { createRequiredDependencies } from './resolution/required-cycles.ts'
import { parseStoredAgent, type StoredAgent } from './stored-agent.ts'

export type AgentTable = ReturnType<typeof createAgentTable>

const unowned: Ownership = {}

type ApplyOptions = {
  /** The registration as its request was parsed. */
  readonly parsed?: StoredAgent
  readonly history?: HeartbeatHistory
  /** Whatever its version. */
  readonly force?: boolean
}

/** The registered agents as the store has them. For each agent the newest version wins, in any order of arrival. */
export function createAgentTable({
  leases,
  bytes,
  onGone,
}: {
  leases: Leases
  bytes: Pick<AgentBytes, 'count' | 'countPayload' | 'forget'>
  onGone: (ids: readonly string[]) => void
}) {
  const agents = new Map<string, Agent>()
  const countByHolder = new Map<string, number>()
  const payloads = new Map<string, Omit<HeartbeatPayload, 'status'>>()
  const tombstones = createTombstones()
  const required = createRequiredDependencies()

  /** Applies a stored registration and keeps the lease; undefined where a newer version is known. */
  function applyRegistration(
    registration: StoredRegistration,
    { parsed, history, force = false }: ApplyOptions = {},
  ): Agent | undefined {
    const { name: id, resource_version, created_at, updated_at, lease: ownership = unowned } = registration
    const current = agents.get(id)
    if (!force) {
      if (current && !isNewer(resource_version, current.stored.resource_version)) return undefined
      if (tombstones.covers(id, resource_version)) return undefined
    }
    const { definition, spec } = parsed ?? parseStoredAgent(registration.definition)
    const terms = leaseTermsOf(spec)
    const lease = current && leases.changeTerms(id, terms)
    const agent: Agent = {
      id,
      definition,
      spec,
      stored: { resource_version, created_at, updated_at },
      ownership,
      lease: lease ?? leases.open(id, terms, history ?? { hasHeartbeat: false }),
    }
    put(agent, current)
    return agent
  }

  function put(agent: Agent, current = agents.get(agent.id)): void {
    agents.set(agent.id, agent)
    bytes.count(agent)
    required.replace(current?.spec.tools, agent.spec.tools)
    if (current?.ownership.holder === agent.ownership.holder) return
    count(current, -1)
    count(agent, 1)
  }

  function count(agent: Agent | undefined, by: 1 | -1): void {
    const holder = agent?.ownership.holder
    if (holder === undefined) return
    const total = countOf(holder) + by
    if (total > 0) countByHolder.set(holder, total)
    else countByHolder.delete(holder)
  }

  function countOf(holder: string): number {
    return countByHolder.get(holder) ?? 0
  }

  function remove(ids: readonly string[]): void {
    for (const id of ids) {
      const agent = agents.get(id)
      count(agent, -1)
      required.replace(agent?.spec.tools, undefined)
      agents.delete(id)
      payloads.delete(id)
      bytes.forget(id)
      leases.close(id)
    }
    onGone(ids)
  }

  /** Drops what is known of deletions: the database went back to before them. */
  const forgetDeletions = tombstones.clear

  /** Applies a deletion at a version; a newer registration of the id stays. */
  function applyDeletion(id: string, version: string): void {
    tombstones.record(id, version)
    removeUpTo(id, version)
  }

  function removeUpTo(id: string, version: string): void {
    const current = agents.get(id)
    if (current && !isNewer(current.stored.resource_version, version)) remove([id])
  }

  /**
   * Replaces the table with a snapshot of the store, but for what is `kept`; returns the agents that changed. With `force` whatever
   * their versions.
   *
   * No heartbeat could arrive while no daemon ran, so that time does not count as silence. A lease that ran then gets a
   * full interval; one that had lapsed stays so.
   */
  function load(
    registrations: readonly StoredRegistration[],
    heartbeats: readonly StoredHeartbeat[],
    { isKept, force = false }: { isKept: (agent: Agent) => boolean; force?: boolean },
  ): Agent[] {
    const present = new Set(registrations.map(({ name }) => name))
    const missing = Array.from(agents.values()).filter((agent) => !present.has(agent.id) && !isKept(agent))
    const heartbeatById = new Map(heartbeats.map((heartbeat) => [heartbeat.name, heartbeat]))
    const leaseById = new Map(registrations.map(({ name, lease }) => [name, lease]))
    const downtime = downtimeMs(heartbeats, (id) => leaseById.get(id))
    const newIds = new Set(registrations.flatMap(({ name }) => (agents.has(name) ? [] : [name])))
    const applied = registrations.flatMap((registration) => {
      const history = historyOf(heartbeatById.get(registration.name), registration.lease, downtime)
      const current = agents.get(registration.name)
      if (force && current && isKept(current)) return []
      return applyRegistration(registration, { history, force }) ?? []
    })
    if (missing.length > 0) remove(missing.map(({ id }) => id))
    // Another replica may have received heartbeats of the agents that were known before.
    return [...applied, ...applyHeartbeats(heartbeats.filter(({ name }) => !newIds.has(name)))]
  }

  /** Applies the heartbeats that another replica received; returns the agents whose status changed. */
  function applyHeartbeats(heartbeats: readonly StoredHeartbeat[]): Agent[] {
    return heartbeats.flatMap((heartbeat) => {
      const agent = agents.get(heartbeat.name)
      const status = selfReportIn(heartbeat)
      if (!agent || status === undefined) return []
      return leases.recordHeartbeat(agent.id, status, heartbeat.age_ms)?.changed ? [agent] : []
    })
  }

  return {
    load,
    forgetDeletions,
    applyHeartbeats,
    applyRegistration,
    put,
    remove,
    removeUpTo,
    applyDeletion,
    countOf,
    payloadOf: (id: string) => payloads.get(id),
    /** Keeps the payload of a heartbeat where there is room for it. */
    keepPayload: (agent: Agent, payload: Omit<HeartbeatPayload, 'status'>) => {
      if (bytes.countPayload(agent, payload)) payloads.set(agent.id, payload)
      else payloads.delete(agent.id)
    },
    /** The cycle of required dependencies that an agent would close with these tools. */
    cycleBy: (id: string, tools: Agent['spec']['tools']) => required.cycleBy(agents.get(id)?.spec.tools, tools),
    get: (id: string) => agents.get(id),
    all: () => agents.values(),
    size: () => agents.size,
  }
}
