import { createChunkedQueue } from '../../../flow/chunked-queue.ts'
import type { Change, RegisteredServer } from '../../../model/change.ts'
import type { Server } from '../../../model/server.ts'
import type { Agent } from '../../agent.ts'
import { isAgent, type MeshRegistry } from '../../mesh-registry.ts'
import { type CapabilityIndex, requiredOf } from './capability-index.ts'
import type { DependencySpec, DependencySpecs } from './dependency-specs.ts'
import { type Offer, offersOfAgent } from './offer.ts'

/** An agent as it is indexed. */
type IndexedAgent = {
  readonly serverId: string
  readonly agent: Agent
  readonly capabilities: Server['capabilities']
  readonly offers: readonly Offer[]
}

export type OfferIndex = ReturnType<typeof createOfferIndex>

/** Follows the registry: which functions its agents offer, and which of them changed. */
export function createOfferIndex({
  registry,
  agentOf,
  index,
  specs,
  onAway,
  onGone,
}: {
  registry: Pick<MeshRegistry, 'list' | 'subscribe'>
  agentOf: (id: string) => Agent | undefined
  index: CapabilityIndex
  specs: DependencySpecs
  /** Called when an agent has become unhealthy or offline. */
  onAway: (agentId: string) => void
  /** Called when an agent is gone. */
  onGone: (agentId: string) => void
}) {
  const indexed = new Map<string, IndexedAgent>()
  /** The required dependencies of the offers that have any. */
  const requirements = new Map<Offer, readonly DependencySpec[]>()

  function apply({ now, before }: Pick<Change, 'now' | 'before'>): void {
    for (const registered of [before, now]) if (registered && !isAgent(registered)) touchServer(before, now, registered)
    if (now && isAgent(now)) return put(now.server)
    if (before && isAgent(before)) remove(before.server)
    // An agent may be removed while a server of another source shadows it.
    else if (now && !agentOf(now.server.name)) onGone(now.server.name)
  }

  /** A server of another source offers its tools where no agent does. */
  function touchServer(
    before: RegisteredServer | undefined,
    now: RegisteredServer | undefined,
    { server }: RegisteredServer,
  ): void {
    const [one, other] = [before?.server, now?.server]
    if (one?.status === other?.status && one?.url === other?.url && one?.capabilities === other?.capabilities) return
    for (const { name } of server.capabilities) index.touch(name)
  }

  function put(server: Server): void {
    const agent = agentOf(server.name)
    const current = indexed.get(server.name)
    if (!agent) return remove(server)
    if (server.status === 'unhealthy' || server.status === 'offline') onAway(agent.id)
    if (current && offersAlike(current, agent, server)) {
      indexed.set(agent.id, { ...current, serverId: server.id, agent })
      setStatus(current, server)
      return
    }
    if (current) removeOffers(current)
    const offers = offersOfAgent(agent, server)
    indexed.set(agent.id, { serverId: server.id, agent, capabilities: server.capabilities, offers })
    for (const offer of offers) addOffer(offer)
  }

  function setStatus({ offers }: IndexedAgent, { status }: Server): void {
    const [first] = offers
    if (!first || first.provider.status === status) return
    first.provider.status = status
    for (const { tool } of offers) index.touch(tool.capability)
  }

  function addOffer(offer: Offer): void {
    const required = requiredOf(offer)
    if (required.length > 0)
      requirements.set(
        offer,
        required.map((dependency) => specs.acquire(dependency, offer.provider)),
      )
    index.add(offer)
  }

  function remove({ id, name }: Server): void {
    const current = indexed.get(name)
    // An agent that moved to another namespace is there already.
    if (!current || current.serverId !== id) return
    removeOffers(current)
    indexed.delete(name)
    if (agentOf(name)) onAway(name)
    else onGone(name)
  }

  function removeOffers({ offers }: IndexedAgent): void {
    for (const offer of offers) {
      index.remove(offer)
      for (const spec of requirements.get(offer) ?? noSpecs) specs.release(spec)
      requirements.delete(offer)
    }
  }

  const queue = createChunkedQueue(apply)
  let close = () => {}

  /** Reads the registry, and follows its changes from then on. */
  function start(): void {
    for (const now of registry.list()) apply({ now, before: undefined })
    close = registry.subscribe(({ changes }) => queue.add(changes))
  }

  return {
    start,
    /** Applies every change that the registry has announced. */
    drain: queue.drain,
    requirementsOf: (offer: Offer): readonly DependencySpec[] => requirements.get(offer) ?? noSpecs,
    /** The offers of an agent, in the order of declaration. */
    offersOfAgent: (id: string): readonly Offer[] => indexed.get(id)?.offers ?? [],
    agentIds: () => indexed.keys(),
    size: () => indexed.size,
    close: () => close(),
  }
}

const noSpecs: readonly DependencySpec[] = []

/** Whether an agent offers the same functions at the same place. */
function offersAlike(current: IndexedAgent, agent: Agent, { capabilities }: Server): boolean {
  const [before, now] = [current.agent.spec, agent.spec]
  if (before.endpoint !== now.endpoint || before.tools !== now.tools || before.schemas !== now.schemas) return false
  return now.tools !== undefined || current.capabilities === capabilities
}
