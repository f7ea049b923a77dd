import { type StoredHeartbeat, isNewer, type Registration } from '../stores/store.ts'
import { createTombstones } from '../stores/tombstones.ts'
import { type Agent, termsOf } from './agent.ts'
import type { Leases } from './leases/leases.ts'
import type { HeartbeatPayload } from './parsing/registration.ts'

/** What is known of an agent's heartbeats when it is taken in. */
type Heard = {
  readonly hasHeartbeat: boolean
  readonly silentMs: number
  readonly selfReportedStatus?: 'healthy' | 'degraded'
  readonly lastHeartbeatAt?: number
}

type Said = Pick<Agent, 'definition' | 'spec'>

/** Who is registered, as the store says it: of what it tells about one agent, the newest counts, in whatever order it comes. */
export function createAgentTable({ leases, onGone }: { leases: Leases; onGone: (ids: readonly string[]) => void }) {
  const agents = new Map<string, Agent>()
  /** By holder: how many are its own. */
  const holdings = new Map<string, number>()
  const sent = new Map<string, Omit<HeartbeatPayload, 'status'>>()
  const graves = createTombstones()

  /** Takes a stored registration in, unless a newer one is known; the lease goes on. */
  function take(registration: Registration, { said, heard }: { said?: Said; heard?: Heard } = {}): Agent | undefined {
    const { name: id, resource_version, created_at, updated_at, lease: held } = registration
    const known = agents.get(id)
    if (known && !isNewer(resource_version, known.stored.resource_version)) return undefined
    if (graves.covers(id, resource_version)) return undefined
    const { definition, spec: facts } = said ?? parseStored(registration.definition)
    const terms = termsOf(facts)
    const lease = known && leases.changeTerms(id, terms)
    const agent: Agent = {
      id,
      definition,
      spec: facts,
      stored: { resource_version, created_at, updated_at },
      storedLease: held ?? { timeout: facts.timeout_threshold, eviction: facts.eviction_threshold },
      lease: lease ?? leases.open(id, terms, heard ?? { hasHeartbeat: false }),
    }
    put(agent, known)
    return agent
  }

  function put(agent: Agent, known = agents.get(agent.id)): void {
    agents.set(agent.id, agent)
    if (known?.storedLease.holder === agent.storedLease.holder) return
    count(known, -1)
    count(agent, 1)
  }

  function count(agent: Agent | undefined, by: 1 | -1): void {
    const holder = agent?.storedLease.holder
    if (holder === undefined) return
    const many = heldBy(holder) + by
    if (many > 0) holdings.set(holder, many)
    else holdings.delete(holder)
  }

  function heldBy(holder: string): number {
    return holdings.get(holder) ?? 0
  }

  function forget(ids: readonly string[]): void {
    for (const id of ids) {
      count(agents.get(id), -1)
      agents.delete(id)
      sent.delete(id)
      leases.close(id)
    }
    onGone(ids)
  }

  /** Takes in that somebody deleted an agent, unless it was registered anew since. */
  function deleted(id: string, version: string): void {
    graves.record(id, version)
    forgetAt(id, version)
  }

  function forgetAt(id: string, version: string): void {
    const known = agents.get(id)
    if (known && !isNewer(known.stored.resource_version, version)) forget([id])
  }

  /**
   * Takes in what the store holds; the answer is who is another now. While this daemon was down nobody could be heard, so
   * silence counts only as far as it was longer than that of whoever was heard last; who was alive then has a full interval
   * from now.
   */
  function load(registrations: readonly Registration[], beats: readonly StoredHeartbeat[], version: string): Agent[] {
    const present = new Set(registrations.map(({ name }) => name))
    // Who was registered after the picture was taken is no part of it, and stays.
    const lost = Array.from(agents.values()).filter(({ id, stored }) => {
      return !present.has(id) && !isNewer(stored.resource_version, version)
    })
    const ages = new Map(beats.map((beat) => [beat.name, beat]))
    const least = beats.reduce((sum, { age_ms }) => Math.min(sum, age_ms), Infinity)
    const fresh = registrations.filter(({ name }) => !agents.has(name))
    const taken = registrations.flatMap(
      (one) => take(one, { heard: heardBefore(one, ages.get(one.name), least) }) ?? [],
    )
    if (lost.length > 0) forget(lost.map(({ id }) => id))
    // Those who were known already may have been heard by another replica.
    const news = new Set(fresh.map(({ name }) => name))
    return [...taken, ...heard(beats.filter(({ name }) => !news.has(name)))]
  }

  /** Takes in what another replica heard; the answer is whose status that changed. */
  function heard(beats: readonly StoredHeartbeat[]): Agent[] {
    return beats.flatMap(({ name, age_ms, self_report: said }) => {
      const agent = agents.get(name)
      const beat = agent && leases.recordHeartbeat(name, said === 'degraded' ? 'degraded' : 'healthy', age_ms)
      return agent && beat?.changed ? [agent] : []
    })
  }

  return {
    load,
    heard,
    take,
    put,
    forget,
    forgetAt,
    deleted,
    heldBy,
    sent,
    get: (id: string) => agents.get(id),
    all: () => agents.values(),
    size: () => agents.size,
  }
}

/** Reads the stored JSON, in which the spec keeps its first name, `facts`. */
function parseStored(json: string): Said {
  const { definition, facts } = JSON.parse(json) as { definition: Agent['definition']; facts: Agent['spec'] }
  return { definition, spec: facts }
}

function heardBefore({ lease }: Registration, beat: StoredHeartbeat | undefined, least: number): Heard {
  if (!beat) return { hasHeartbeat: false, silentMs: 0 }
  const silent = beat.age_ms - least
  return {
    hasHeartbeat: true,
    silentMs: silent < (lease?.timeout ?? 60) * 1000 ? 0 : silent,
    selfReportedStatus: beat.self_report === 'degraded' ? 'degraded' : 'healthy',
    lastHeartbeatAt: Date.now() - beat.age_ms,
  }
}
