import { LRUCache } from 'lru-cache'
import { internalToolPrefix, type LlmFilter, type LlmFilterItem, type MeshTool } from '../mesh-tool.ts'
import { scoreTags } from './matching/tags.ts'
import { areVersions, compareOfferVersions, satisfiesConstraint } from './matching/version-match.ts'
import type { CapabilityIndex } from './offers/capability-index.ts'
import type { OfferIndex } from './offers/offer-index.ts'
import { byProviderId, type Offer } from './offers/offer.ts'
import { llmToolBytes } from './tool-answer.ts'

/** Maximum tools in one answer: more than any language model accepts. */
const maxLlmTools = 1000
/** Maximum bytes of these tools as JSON. */
const maxLlmToolBytes = 2 * 1024 * 1024
/** Maximum offers in all remembered selections together. */
const maxRemembered = 500_000

/** The tools for an agent's functions with a filter, in order: as many as one answer holds. */
export type LlmSelection = {
  readonly tools: readonly (readonly Offer[])[]
  /** What the answer leaves out, as a warning. */
  readonly omission?: string | undefined
}

export const noSelection: LlmSelection = { tools: [] }

/** The tools that a filter selects, in a stable order: by item, tag score, agent id, declaration. */
export function createLlmTools({
  index,
  offers,
}: {
  index: Pick<CapabilityIndex, 'offersOf' | 'settle' | 'stampOf'>
  offers: Pick<OfferIndex, 'offersOfAgent' | 'agentIds'>
}) {
  const selections = createMemo()
  const items = createMemo()
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
    return selections(key, stampOf(filter), () => selectAgain(filter, agentId, functionName))
  }

  function selectAgain(filter: LlmFilter, agentId: string, functionName: string): readonly Offer[] {
    const isOther = ({ provider, tool }: Offer) => provider.id !== agentId || tool.function_name !== functionName
    const selected = withoutDuplicates(
      filter.filter_mode === '*'
        ? allTools().filter(({ provider }) => provider.id !== agentId)
        : filter.filter.flatMap((item) => toolsOf(item).filter(isOther)),
    )
    return filter.filter_mode === 'best_match' ? bestOfEach(selected) : selected
  }

  /** The tools for all functions of an agent, in the order of declaration, until the answer is full. */
  function selectAll(agentId: string, tools: readonly MeshTool[]): LlmSelection {
    const filtered = tools.filter(({ llm_filter }) => llm_filter)
    if (filtered.length === 0) return noSelection
    let [room, bytesLeft] = [maxLlmTools, maxLlmToolBytes]
    let omission: string | undefined
    const selected = filtered.map(({ function_name, llm_filter }, at) => {
      if (omission !== undefined || !llm_filter) return []
      const all = select(llm_filter, agentId, function_name)
      const end = all.findIndex((offer) => (room -= 1) < 0 || (bytesLeft -= llmToolBytes(offer)) < 0)
      if (end === -1) return all
      omission = describeOmission(function_name, all.length - end, filtered.length - at - 1)
      return all.slice(0, end)
    })
    return { tools: selected, omission }
  }

  function toolsOf(item: string | LlmFilterItem): readonly Offer[] {
    const stamp = stampOf({ filter: [item], filter_mode: 'all' })
    return items(JSON.stringify(item), stamp, () => findTools(item))
  }

  function findTools(item: string | LlmFilterItem): readonly Offer[] {
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

  return { selectAll, stampOf, toolsOf }
}

export type LlmTools = ReturnType<typeof createLlmTools>

/** Remembers offers by key for as long as the stamp of what they were made of stays. */
function createMemo() {
  const memo = new LRUCache<string, { readonly stamp: number; readonly offers: readonly Offer[] }>({
    max: 1000,
    maxSize: maxRemembered,
    sizeCalculation: ({ offers }) => offers.length + 1,
  })
  return (key: string, stamp: number, make: () => readonly Offer[]): readonly Offer[] => {
    const known = memo.get(key)
    if (known?.stamp === stamp) return known.offers
    const offers = make()
    memo.set(key, { stamp, offers })
    return offers
  }
}

function describeOmission(functionName: string, tools: number, functionsAfter: number): string {
  const after = functionsAfter > 0 ? `, and the functions after it (${functionsAfter}) all of theirs` : ''
  const limits = `one answer holds at most ${maxLlmTools} tools and ${maxLlmToolBytes} bytes of them as JSON`
  return `llm_tools[${JSON.stringify(functionName)}] lacks ${tools} of its tools${after}: ${limits}; narrow the filters`
}

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
