import { LRUCache } from 'lru-cache'
import { internalToolPrefix, type LlmFilter, type LlmFilterItem } from '../mesh-tool.ts'
import { scoreTags } from './matching/tags.ts'
import { areVersions, compareOfferVersions, satisfiesConstraint } from './matching/version-match.ts'
import type { CapabilityIndex } from './offers/capability-index.ts'
import type { OfferIndex } from './offers/offer-index.ts'
import { byProviderId, type Offer } from './offers/offer.ts'

/** Maximum tools for one function: more than any language model accepts. */
export const maxLlmTools = 1000

/** The tools that a filter selects, in a stable order: by item, tag score, agent id, declaration. */
export function createLlmTools({
  index,
  offers,
}: {
  index: Pick<CapabilityIndex, 'offersOf' | 'settle' | 'stampOf'>
  offers: Pick<OfferIndex, 'offersOfAgent' | 'agentIds'>
}) {
  const selections = new LRUCache<string, { readonly stamp: number; readonly selected: readonly Offer[] }>({ max: 200 })
  let sortedIds: { readonly generation: number; readonly ids: readonly string[] } | undefined

  /** The generation in which a selection may have changed last. */
  function stampOf({ filter, filter_mode }: LlmFilter): number {
    const named = filter_mode === '*' ? [] : filter.map((item) => (typeof item === 'string' ? item : item.capability))
    const isByName = filter_mode !== '*' && named.every((name) => name !== undefined && name !== '*')
    return isByName ? Math.max(0, ...named.map((name) => index.stampOf(name ?? ''))) : index.settle()
  }

  /** The tools for a function of an agent. The function itself is none of them. */
  function select(filter: LlmFilter, agentId: string, functionName: string): readonly Offer[] {
    const key = JSON.stringify([filter.filter_mode, filter.filter, agentId, functionName])
    const stamp = stampOf(filter)
    const cached = selections.get(key)
    if (cached?.stamp === stamp) return cached.selected
    const isOther = ({ provider, tool }: Offer) => provider.id !== agentId || tool.function_name !== functionName
    const selected = withoutDuplicates(
      filter.filter_mode === '*'
        ? allTools().filter(({ provider }) => provider.id !== agentId)
        : filter.filter.flatMap((item) => toolsOf(item).filter(isOther)),
    )
    const best = filter.filter_mode === 'best_match' ? bestOfEach(selected) : selected
    selections.set(key, { stamp, selected: best.slice(0, maxLlmTools) })
    return selections.get(key)?.selected ?? []
  }

  function toolsOf(item: string | LlmFilterItem): readonly Offer[] {
    if (item === '*') return allTools()
    if (typeof item === 'string') return namedTools(item)
    const { capability, tags = [], version } = item
    const scored = (capability === undefined ? allTools() : namedTools(capability)).flatMap((offer) => {
      const score = scoreTags(offer.tool.tags, tags)
      return typeof score === 'number' && satisfiesConstraint(offer.tool.version, version ?? '')
        ? [{ offer, score }]
        : []
    })
    return scored.toSorted((a, b) => b.score - a.score).map(({ offer }) => offer)
  }

  function namedTools(capability: string): readonly Offer[] {
    return inPreference([...index.offersOf(capability)].filter(isUsable).toSorted(byProviderId))
  }

  function allTools(): readonly Offer[] {
    const generation = index.settle()
    if (sortedIds?.generation !== generation) sortedIds = { generation, ids: [...offers.agentIds()].toSorted() }
    return inPreference(sortedIds.ids.flatMap((id) => offers.offersOfAgent(id).filter(isUsable)))
  }

  return { select, stampOf, toolsOf }
}

export type LlmTools = ReturnType<typeof createLlmTools>

function isUsable({ provider: { status }, tool }: Offer): boolean {
  if (!tool.input_schema || tool.function_name.startsWith(internalToolPrefix)) return false
  return status === 'healthy' || status === 'degraded'
}

/** Healthy providers before degraded ones. */
function inPreference(offers: readonly Offer[]): readonly Offer[] {
  const isHealthy = ({ provider }: Offer) => provider.status === 'healthy'
  return offers.every(isHealthy)
    ? offers
    : [...offers.filter(isHealthy), ...offers.filter((offer) => !isHealthy(offer))]
}

/** The first tool of each function name. */
function withoutDuplicates(offers: readonly Offer[]): Offer[] {
  const byName = new Map<string, Offer>()
  for (const offer of offers) if (!byName.has(offer.tool.function_name)) byName.set(offer.tool.function_name, offer)
  return [...byName.values()]
}

/** The tool of the highest version for each capability; of equal ones, that with more tags. */
function bestOfEach(offers: readonly Offer[]): Offer[] {
  const best = new Map<string, Offer>()
  for (const offer of offers) {
    const current = best.get(offer.tool.capability)
    if (!current || isBetter(offer, current)) best.set(offer.tool.capability, offer)
  }
  return [...best.values()]
}

function isBetter({ tool }: Offer, { tool: current }: Offer): boolean {
  const order = areVersions(tool.version, current.version) ? compareOfferVersions(tool.version, current.version) : 0
  return order === 0 ? tool.tags.length > current.tags.length : order > 0
}
