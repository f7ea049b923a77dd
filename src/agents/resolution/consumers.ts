import type { Agent } from '../agent.ts'
import type { MeshTool } from '../mesh-tool.ts'
import { type ConsumerSlot, shareKeyOf, consumerSlotsOf } from './consumer-slots.ts'
import { type LlmSelection, type LlmTools, noSelection } from './llm-tools.ts'
import type { Ranking } from './matching/ranking.ts'
import type { CapabilityIndex } from './offers/capability-index.ts'
import type { DependencyKind, DependencySpec, DependencySpecs } from './offers/dependency-specs.ts'
import type { Offer } from './offers/offer.ts'
import type { Rankings } from './offers/rankings.ts'
import { assignProvider, createSpreadGroup, likelyProvider, releaseConsumer } from './spread.ts'
import { isSameForModel, isSameSlot } from './tool-answer.ts'

/** The provider of a slot in an answer; null: none; undefined: no answer has had this slot. */
export type ToldProvider = Offer | null | undefined

/** What is remembered of an agent that has dependencies. */
type Consumer = {
  readonly tools: readonly MeshTool[]
  readonly slots: readonly ConsumerSlot[]
  /** By slot: the provider in its last answer. */
  told: readonly ToldProvider[] | undefined
  /** The tools for language models in its last answer. */
  toldTools: LlmSelection
  /** The generation for which `differs` holds. */
  checkedAt: number
  /** Whether its answer would differ from the last one. */
  differs: boolean
}

/** The providers of an agent at present, by slot, and the tools for its language models. */
export type Resolution = {
  readonly slots: readonly ConsumerSlot[]
  readonly offers: readonly (Offer | undefined)[]
  readonly llmTools: LlmSelection
  /** The providers in the last answer. */
  readonly before: readonly ToldProvider[]
}

export type Consumers = ReturnType<typeof createConsumers>

/**
 * Chooses the providers of each agent, and tells whether they differ from those in its last answer.
 *
 * A heartbeat without changes compares one number. After a change somewhere, the stamps of the agent's own capabilities
 * decide whether its providers are chosen again.
 */
export function createConsumers({
  index,
  specs,
  rankings,
  llmTools,
}: {
  index: Pick<CapabilityIndex, 'settle' | 'touch'>
  specs: DependencySpecs
  rankings: Rankings
  llmTools: LlmTools
}) {
  const consumers = new Map<string, Consumer>()
  let moves = 0

  /** Chooses the providers for an answer, and remembers them. */
  function resolve(agent: Agent): Resolution {
    const generation = index.settle()
    const consumer = consumerOf(agent)
    const { slots, told: before = [] } = consumer
    if (consumer.told && consumer.checkedAt === generation && !consumer.differs)
      return { slots, offers: before.map((offer) => offer ?? undefined), llmTools: consumer.toldTools, before }
    const offers = chooseAll(agent.id, consumer)
    const selection = llmTools.selectAll(agent.id, consumer.tools)
    if (slots.length === 0 && selection.tools.length === 0) consumers.delete(agent.id)
    consumer.told = offers.map((offer) => offer ?? null)
    consumer.toldTools = selection
    consumer.checkedAt = generation
    consumer.differs = false
    return { slots, offers, llmTools: selection, before }
  }

  /** Whether the answer to an agent with requests would differ from its last one. */
  function hasChanged({ id, spec }: Agent): boolean {
    const consumer = consumers.get(id)
    if (!consumer?.told || consumer.tools !== spec.tools) return true
    const generation = index.settle()
    if (consumer.checkedAt === generation) return consumer.differs
    if (isAffected(consumer)) {
      const { slots, told, toldTools } = consumer
      const offers = chooseAll(id, consumer)
      consumer.differs =
        slots.some(({ kind }, at) => !isSame(kind, offers[at], told[at] ?? undefined)) ||
        llmTools.selectAll(id, consumer.tools).tools.some((one, at) => !areSameTools(one, toldTools.tools[at]))
    }
    consumer.checkedAt = generation
    return consumer.differs
  }

  /** Whether a capability that the agent depends on has changed since it was checked. */
  function isAffected({ slots, tools, checkedAt }: Consumer): boolean {
    if (slots.some(({ spec }) => spec.entry.stamp > checkedAt)) return true
    return tools.some(({ llm_filter }) => llm_filter && llmTools.stampOf(llm_filter) > checkedAt)
  }

  function consumerOf({ id, spec: { tools = [], schemas } }: Agent): Consumer {
    const current = consumers.get(id)
    if (current?.tools === tools) return current
    const slots = consumerSlotsOf(tools, ({ dependency, kind }) => specs.acquire(dependency, { schemas, kind }))
    const consumer: Consumer = { tools, slots, told: undefined, toldTools: noSelection, checkedAt: 0, differs: true }
    if (current) {
      const stays = new Set(slots.map(({ spec }) => spec))
      for (const slot of current.slots) if (!stays.has(slot.spec)) leave(id, slot)
      for (const { spec } of current.slots) specs.release(spec)
      consumer.told = toldBefore(current, slots)
    }
    consumers.set(id, consumer)
    return consumer
  }

  function chooseAll(id: string, { slots, told }: Consumer): readonly (Offer | undefined)[] {
    return slots.map((slot, at) => choose(id, slot, told?.[at] ?? undefined))
  }

  function choose(id: string, slot: ConsumerSlot, before: Offer | undefined): Offer | undefined {
    const { offers } = rankingFor(id, slot)
    const { spec } = slot
    if (offers.size < 2) {
      if (spec.group) leaveGroup(spec, shareKeyOf(id, slot))
      for (const offer of offers.values()) return offer
      return undefined
    }
    spec.group ??= createSpreadGroup()
    const key = shareKeyOf(id, slot)
    const assigned = spec.group.assignments.get(key)
    const chosen = assignProvider(spec.group, key, offers, before?.provider.id)
    if (chosen !== assigned) moves += 1
    return offers.get(chosen)
  }

  /** The ranking of a slot's candidates. A function is never its own provider. */
  function rankingFor(id: string, { spec, tool }: Pick<ConsumerSlot, 'spec' | 'tool'>): Ranking {
    const ranking = rankings.rankingOf(spec)
    const isOwn = ranking.offers.get(id)?.tool.function_name === tool.function_name
    return isOwn ? rankings.rankingWithout(spec, { agentId: id, functionName: tool.function_name }) : ranking
  }

  function leave(id: string, slot: ConsumerSlot): void {
    const { group, dependency } = slot.spec
    const isOverloaded = group && releaseConsumer(group, shareKeyOf(id, slot))
    if (group?.assignments.size === 0) slot.spec.group = undefined
    // The consumers of the overloaded provider look for another one with their next heartbeat.
    if (isOverloaded) index.touch(dependency.capability)
  }

  function leaveGroup(spec: DependencySpec, key: string): void {
    if (!spec.group) return
    releaseConsumer(spec.group, key)
    if (spec.group.assignments.size === 0) spec.group = undefined
  }

  /** An agent that is away takes no share of a provider. */
  function away(id: string): void {
    const consumer = consumers.get(id)
    if (!consumer) return
    for (const slot of consumer.slots) leave(id, slot)
    consumer.checkedAt = 0
  }

  function forget(id: string): void {
    away(id)
    for (const { spec } of consumers.get(id)?.slots ?? []) specs.release(spec)
    consumers.delete(id)
  }

  /** The providers of an agent at present, of its first `limit` slots, without an assignment of new ones. Yields after each. */
  function* peek({ id, spec }: Agent, limit: number): Generator<void, Resolution & { readonly omitted: number }> {
    const { tools = [], schemas } = spec
    index.settle()
    const known = consumers.get(id)
    const acquired: DependencySpec[] = []
    const acquire = ({ dependency, kind }: Omit<ConsumerSlot, 'spec'>) => {
      const one = specs.acquire(dependency, { schemas, kind })
      acquired.push(one)
      return one
    }
    const isKnown = known?.tools === tools
    const all = isKnown ? known.slots : consumerSlotsOf(tools, acquire)
    const before = known?.told ?? []
    const slots = all.slice(0, limit)
    const offers: (Offer | undefined)[] = []
    try {
      for (const [at, slot] of slots.entries()) {
        offers.push(likelyOffer(id, slot, isKnown ? (before[at] ?? undefined) : undefined))
        yield
      }
    } finally {
      for (const one of acquired) specs.release(one)
    }
    return { slots, offers, llmTools: llmTools.selectAll(id, tools), before, omitted: all.length - slots.length }
  }

  function likelyOffer(id: string, slot: ConsumerSlot, before: Offer | undefined): Offer | undefined {
    const { offers } = rankingFor(id, slot)
    if (offers.size === 0) return undefined
    return offers.get(likelyProvider(slot.spec.group, shareKeyOf(id, slot), offers, before?.provider.id))
  }

  return { resolve, hasChanged, peek, away, forget, rankingFor, moves: () => moves, size: () => consumers.size }
}

/** What an agent was told of these slots before its functions changed. */
function toldBefore({ slots, told }: Consumer, now: readonly ConsumerSlot[]): readonly ToldProvider[] {
  const nameOf = ({ tool, kind, depIndex }: ConsumerSlot) => `${kind} ${depIndex} ${tool.function_name}`
  const byName = new Map(slots.map((slot, at) => [nameOf(slot), told?.[at]]))
  return now.map((slot) => byName.get(nameOf(slot)))
}

function isSame(kind: DependencyKind, a: Offer | undefined, b: Offer | undefined): boolean {
  return kind === 'dependency' ? isSameSlot(a, b) : isSameForModel(a, b)
}

function areSameTools(a: readonly Offer[], b: readonly Offer[] = []): boolean {
  return a === b || (a.length === b.length && a.every((offer, at) => isSameForModel(offer, b[at])))
}
