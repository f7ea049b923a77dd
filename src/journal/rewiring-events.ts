import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ResolutionTrace, Rewiring, RewiringListener } from '../agents/resolution/resolution-port.ts'
import { serverId } from '../model/names.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import type { EventQuery, StoredEvent } from '../stores/event.ts'
import type { RecordEvent } from './event.ts'

/** Time that traces may take of each second, in ms; a rewiring beyond it is recorded without its stages. */
const traceBudgetMs = 5
/** Maximum dependencies whose last event is remembered, and agents known to be new; of any other it is read from the store. */
const maxRemembered = 20_000
/** Events of a function that are read to find the last one of each of its dependencies. */
const maxRead = 64

/** The last event of a dependency. */
type LastEvent = {
  readonly isResolved: boolean
  /** Of the trace, without what an earlier event adds. */
  readonly digest: string
  /** The provider of the last event that had one. */
  readonly provider: string | undefined
}

const noEvent: LastEvent = { isResolved: true, digest: '', provider: undefined }

type PendingRewiring = Omit<Rewiring, 'trace'> & { readonly trace: ResolutionTrace; readonly at: number }

/**
 * Records which provider a dependency got, with the trace of the choice, as the original mesh registry does.
 *
 * A first provider is recorded only where there was a choice, or where it differs from the one before a restart; a lasting
 * lack of one only where its candidates change. Every change of a provider is recorded. Equal traces are recorded once.
 */
export function recordRewirings({
  record,
  read,
  source,
  isEnabled,
  onError,
  now = performance.now.bind(performance),
}: {
  record: RecordEvent
  /** Reads stored events. */
  read: (query: EventQuery) => Promise<{ readonly events: readonly StoredEvent[] }>
  /** Name of the source of agents. */
  source: () => string | undefined
  isEnabled: () => boolean
  onError: (error: unknown) => void
  now?: () => number
}) {
  const lastEvents = new LRUCache<string, LastEvent>({ max: maxRemembered })
  const newAgents = new LRUCache<string, true>({ max: maxRemembered })
  const budget = createBudget(now)
  let pending: PendingRewiring[] = []
  let deciding: Promise<void> | undefined

  const listener: RewiringListener = ({ trace, ...rewiring }) => {
    if (!isEnabled()) return
    const isCheap = budget.hasRest()
    if (!isCheap && isConditional(rewiring)) return
    pending.push({ ...rewiring, trace: isCheap ? budget.spend(trace) : shortTrace(rewiring), at: now() })
    deciding ??= decideAll().finally(() => (deciding = undefined))
  }

  async function decideAll(): Promise<void> {
    await Promise.resolve()
    while (pending.length > 0) {
      const rewirings = pending
      pending = []
      for (const rewiring of rewirings) await decide(rewiring).catch(onError)
    }
  }

  async function decide({ at, trace, ...rewiring }: PendingRewiring): Promise<void> {
    const { consumer, consumerName, namespace, function_name, dep_index, after, before, reason } = rewiring
    const key = keyOf(consumer, function_name, dep_index)
    if (isConditional(rewiring) && !lastEvents.has(key)) {
      if (!newAgents.has(consumer)) await recall(consumer, function_name)
      if (!lastEvents.has(key)) lastEvents.set(key, noEvent)
    }
    const last = lastEvents.get(key)
    const prior = before ?? last?.provider
    const digest = digestOf(trace)
    if (last?.digest === digest) return
    if (isConditional(rewiring) && !isWorthy(trace, { after, prior, last })) return
    lastEvents.set(key, { isResolved: after !== undefined, digest, provider: after ?? prior })
    record({
      type: 'rewired',
      event_type: after === undefined ? 'dependency_unresolved' : 'dependency_resolved',
      namespace,
      server: serverId(namespace, consumer),
      agent_id: consumer,
      agent_name: consumerName,
      function_name,
      source: source(),
      reason,
      data: () => ({ ...redactTrace(trace), ...(prior !== undefined && { prior_chosen: prior }) }),
      isRedacted: true,
      slot: `${function_name} ${dep_index}`,
      at,
    })
  }

  /** Remembers the last stored event of each dependency of a function. */
  async function recall(consumer: string, function_name: string): Promise<void> {
    const filter = { agent_id: consumer, function_name, type: 'rewired' }
    const { events } = await read({ filter, limit: maxRead })
    for (const { event_type, body } of events.toReversed()) {
      const { data: trace } = JSON.parse(body) as { data?: ResolutionTrace }
      if (trace?.dep_index === undefined) continue
      const key = keyOf(consumer, function_name, trace.dep_index)
      const provider = trace.chosen?.agent_id ?? lastEvents.get(key)?.provider
      lastEvents.set(key, { isResolved: event_type === 'dependency_resolved', digest: digestOf(trace), provider })
    }
  }

  return {
    listener,
    /** Notes that an agent is registered for the first time, so that no earlier event of it is stored. */
    expectNoEvents: (id: string) => void newAgents.set(id, true),
    /** Resolves once everything announced so far is recorded. */
    [Symbol.asyncDispose]: async () => await deciding,
  }
}

const keyOf = (consumer: string, function_name: string, index: number) => `${consumer} ${function_name} ${index}`

/** Whether a rewiring is recorded only if its trace is of interest: a first answer, and one that is still without a provider. */
function isConditional({ reason }: Pick<Rewiring, 'reason'>): boolean {
  return reason === 'first' || reason === 'unresolved'
}

/** Whether the trace of a conditional rewiring is of interest. */
function isWorthy(
  { stages }: ResolutionTrace,
  { after, prior, last }: { after: string | undefined; prior: string | undefined; last: LastEvent | undefined },
): boolean {
  const isChoice = stages.some(({ kept, evicted = [] }) => kept.length + evicted.length >= 2)
  if (after === undefined) return isChoice || prior !== undefined || stages.some(({ evicted }) => evicted?.length)
  return isChoice || (prior !== undefined && prior !== after) || last?.isResolved === false
}

/** Besides addresses, a trace is made of names, tags and versions. */
function redactTrace({ chosen, ...trace }: ResolutionTrace): ResolutionTrace {
  return { ...trace, ...(chosen && { chosen: { ...chosen, endpoint: redactText(chosen.endpoint) } }) }
}

/** Equal for traces that differ only in the order of candidates and in what an earlier event adds. */
function digestOf({ prior_chosen: _prior, stages, spec, ...rest }: ResolutionTrace): string {
  const sorted = stages.map(({ kept, evicted, spread: _spread, ...stage }) => ({
    ...stage,
    kept: kept.toSorted(),
    evicted: evicted?.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  }))
  const text = JSON.stringify({ ...rest, spec: { ...spec, tags: spec.tags?.toSorted() }, stages: sorted })
  return hash('sha1', text, 'base64url')
}

function shortTrace({ consumer, dep_index, capability, after, before }: Omit<Rewiring, 'trace'>): ResolutionTrace {
  return {
    consumer,
    dep_index,
    spec: { capability, schema_mode: 'none' },
    stages: [],
    ...(after !== undefined && { chosen: { agent_id: after, endpoint: '', function_name: '' } }),
    ...(before !== undefined && { prior_chosen: before }),
  }
}

/** Limits the time that work takes in each second. */
function createBudget(now: () => number) {
  let start = -Infinity
  let spentMs = 0

  function hasRest(): boolean {
    if (now() - start >= 1000) {
      start = now()
      spentMs = 0
    }
    return spentMs < traceBudgetMs
  }

  function spend<T>(work: () => T): T {
    const begin = now()
    const result = work()
    spentMs += now() - begin
    return result
  }

  return { hasRest, spend }
}
