import { runToCompletion } from '../../flow/cooperative.ts'
import type { Log } from '../../log.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import { unfilteredQuery } from '../../model/query/query.ts'
import type { Agent } from '../agent.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import type { MeshDependency } from '../mesh-tool.ts'
import { type ConsumerSlot, hasRequests, shareKeyOf } from './consumer-slots.ts'
import { createConsumers, type Resolution, type ToldProvider } from './consumers.ts'
import { type AgentExplanation, candidateLimit, explainFunctions, maxExplained } from './explain/agent-explanation.ts'
import { createCandidateLists } from './explain/candidate-lists.ts'
import { explainSlot, type SlotExplanation } from './explain/explanation.ts'
import { toTrace } from './explain/trace.ts'
import { createLlmTools } from './llm-tools.ts'
import { evaluateOffer, poolStatuses } from './matching/ranking.ts'
import { createCapabilityIndex } from './offers/capability-index.ts'
import { createDependencySpecs } from './offers/dependency-specs.ts'
import { createOfferIndex } from './offers/offer-index.ts'
import { type Offer, offerOfServer } from './offers/offer.ts'
import { createRankings } from './offers/rankings.ts'
import type { RewiringListener, RewiringReason, TraceSpread } from './resolution-port.ts'
import { loadBound, loadOf } from './spread.ts'
import { isSameSlot, type ToolAnswer, toLlmProvider, toLlmTool, toSlot } from './tool-answer.ts'

/** Maximum servers of other sources that are looked at for one capability. */
const maxServers = 100

export type MeshResolver = ReturnType<typeof createMeshResolver>

/** Resolves the dependencies and language models of agents that registered with `tools`. */
export function createMeshResolver({
  registry,
  agentOf,
  onRewired,
  log,
}: {
  registry: Pick<MeshRegistry, 'list' | 'select' | 'subscribe' | 'token'>
  agentOf: (id: string) => Agent | undefined
  onRewired: RewiringListener
  log: Pick<Log, 'warn'>
}) {
  const index = createCapabilityIndex()
  const specs = createDependencySpecs({ index })
  const offers = createOfferIndex({
    registry,
    agentOf,
    index,
    specs,
    onAway: (id) => consumers.away(id),
    onGone: forget,
  })
  const rankings = createRankings({ index, specs, offers, serversOffering })
  const llmTools = createLlmTools({ index, offers })
  const consumers = createConsumers({ index, specs, rankings, llmTools })
  const candidates = createCandidateLists({ index, rankings, consumers })
  /** Agents whose last answer left something out. */
  const cut = new Set<string>()
  offers.start()

  function serversOffering(capability: string): readonly Offer[] {
    if (capability === '') return []
    const query = { ...unfilteredQuery, tool: [capability], status: [...poolStatuses.servers], limit: maxServers }
    const { page } = registry.select(query)
    return page.flatMap((one) => (isAgent(one) ? [] : (offerOfServer(one.server, capability) ?? [])))
  }

  /** Applies lapsed leases and every announced change, so that the choice is up to date. */
  function catchUp(): number {
    registry.token()
    offers.drain()
    return index.settle()
  }

  /** The answer to an agent, which is remembered as its last one. */
  function resolve(agent: Agent): ToolAnswer {
    catchUp()
    const resolution = consumers.resolve(agent)
    for (const [at, slot] of resolution.slots.entries()) report(agent, slot, resolution, at)
    warn(agent.id, resolution.llmTools.omission)
    return toAnswer(agent, resolution)
  }

  /** Whether the answer to an agent would differ from its last one. */
  function hasChanged(agent: Agent): boolean {
    if (!agent.spec.tools || !hasRequests(agent.spec.tools)) return false
    catchUp()
    return consumers.hasChanged(agent)
  }

  function warn(agent: string, omission: string | undefined): void {
    if (omission === undefined) cut.delete(agent)
    else if (!cut.has(agent)) {
      cut.add(agent)
      log.warn({ agent, omission }, 'tools for language models left out')
    }
  }

  function forget(id: string): void {
    cut.delete(id)
    consumers.forget(id)
  }

  function report(agent: Agent, slot: ConsumerSlot, { offers: chosen, before }: Resolution, at: number): void {
    const [prior, now] = [before[at], chosen[at]]
    const reason = slot.kind === 'dependency' ? reasonOf(agent.id, slot, prior, now) : undefined
    if (!reason) return
    onRewired({
      consumer: agent.id,
      consumerName: agent.spec.name,
      namespace: agent.definition.namespace,
      function_name: slot.tool.function_name,
      dep_index: slot.depIndex,
      capability: slot.dependency.capability,
      before: prior?.provider.id,
      after: now?.provider.id,
      reason,
      trace: () => {
        const list = candidates.list(agent.id, slot, [now, prior ?? undefined])
        const spread = spreadOf(agent.id, slot, now, prior)
        return toTrace({ consumer: agent.id, slot, list, chosen: now, before: prior ?? undefined, spread })
      },
    })
  }

  /** Why a slot is announced; undefined where it has the same provider as before. */
  function reasonOf(
    id: string,
    slot: ConsumerSlot,
    before: ToldProvider,
    now: Offer | undefined,
  ): RewiringReason | undefined {
    if (before === undefined) return 'first'
    if (before === null) return now ? 'found' : 'unresolved'
    if (!now) return 'lost'
    if (isSameSlot(before, now)) return undefined
    if (before.provider.id === now.provider.id) return 'provider_changed'
    if (consumers.rankingFor(id, slot).offers.has(before.provider.id)) return 'rebalanced'
    return stillPasses(slot, before) ? 'better_provider' : 'provider_gone'
  }

  function stillPasses({ spec }: ConsumerSlot, before: Offer): boolean {
    const rules = { ...rankings.rulesOf(spec), statuses: poolStatuses.healthy }
    return offers
      .offersOfAgent(before.provider.id)
      .some(
        (offer) =>
          offer.tool.function_name === before.tool.function_name && typeof evaluateOffer(offer, rules) === 'number',
      )
  }

  /** How a slot's consumers are spread; undefined where no equal providers are to choose from. */
  function spreadOf(
    id: string,
    slot: ConsumerSlot,
    chosen: Offer | undefined,
    before: ToldProvider,
  ): TraceSpread | undefined {
    const providers = consumers.rankingFor(id, slot).offers.size
    const { group } = slot.spec
    if (!chosen || providers < 2) return undefined
    const isAssigned = group?.assignments.has(shareKeyOf(id, slot)) ?? false
    const count = (group?.assignments.size ?? 0) + (isAssigned ? 0 : 1)
    return {
      providers,
      consumers: count,
      load: (group ? loadOf(group, chosen.provider.id) : 0) + (isAssigned ? 0 : 1),
      bound: loadBound(count, providers),
      kept: before?.provider.id === chosen.provider.id,
    }
  }

  /** The providers of an agent at present, of its first `limit` slots; assigns no new ones. */
  function* peekYielding(agent: Agent, limit: number) {
    catchUp()
    return yield* consumers.peek(agent, limit)
  }

  /** The functions of an agent, each with the explanation of its dependencies. */
  function* explain(agent: Agent): Generator<void, AgentExplanation> {
    const resolution = yield* peekYielding(agent, maxExplained)
    const { slots, offers: chosen, before } = resolution
    const limit = candidateLimit(slots.length)
    return yield* explainFunctions(agent, resolution, (slot, at) => {
      const list = candidates.list(agent.id, slot, [chosen[at]], limit)
      const spread = spreadOf(agent.id, slot, chosen[at], before[at])
      return explainSlot({ slot, list, chosen: chosen[at], spread })
    })
  }

  /** The candidates for a dependency that no function declares. */
  function explainDependency(id: string, dependency: MeshDependency, limit: number): SlotExplanation {
    catchUp()
    const spec = specs.acquire(dependency, { schemas: undefined })
    const tool = { function_name: '', capability: '', version: '', tags: [], dependencies: [] }
    const slot: ConsumerSlot = { tool, dependency, kind: 'dependency', depIndex: 0, spec }
    const list = candidates.list(id, slot, [], limit)
    specs.release(spec)
    return explainSlot({ slot, list, chosen: undefined, spread: undefined })
  }

  return {
    resolve,
    hasChanged,
    explain,
    explainDependency,
    forget,
    peekYielding,
    peek: (agent: Agent): Resolution => runToCompletion(peekYielding(agent, Infinity)),
    /** The functions that an agent offers. */
    offersOfAgent: offers.offersOfAgent,
    unavailableReason: (offer: Offer): string | undefined => (catchUp(), rankings.unavailableReason(offer)),
    toolsOfItem: llmTools.toolsOf,
    /** Changes with every change of offers and of assignments. */
    version: (): number => catchUp() + consumers.moves(),
    counts: () => ({
      agents: offers.size(),
      capabilities: index.size(),
      specs: specs.size(),
      consumers: consumers.size(),
    }),
    close: offers.close,
  }
}

function toAnswer(agent: Agent, { slots, offers, llmTools: { tools, omission } }: Resolution): ToolAnswer {
  const resolved = new Map<string, ReturnType<typeof toSlot>[]>()
  const models: [string, JsonObject][] = []
  for (const [at, { tool, dependency, kind }] of slots.entries()) {
    const offer = offers[at]
    if (kind === 'dependency') {
      const places = resolved.get(tool.function_name) ?? []
      places.push(toSlot(offer, dependency.capability))
      resolved.set(tool.function_name, places)
    } else if (offer) models.push([tool.function_name, toLlmProvider(offer)])
  }
  const filtered = (agent.spec.tools ?? []).filter(({ llm_filter }) => llm_filter)
  return {
    dependencies_resolved: Object.fromEntries(resolved),
    llm_tools: Object.fromEntries(
      filtered.map(({ function_name }, at) => [function_name, (tools[at] ?? []).map(toLlmTool)]),
    ),
    ...(models.length > 0 && { llm_providers: Object.fromEntries(models) }),
    ...(omission !== undefined && { warnings: [omission] }),
  }
}
