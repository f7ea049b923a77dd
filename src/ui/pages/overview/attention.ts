import type { Reason, SourceStatus, Status } from '../../../client/index.ts'
import type { Row } from '../../data/protocol.ts'
import { overviewTexts } from '../../texts/overview.ts'
import { reasonTexts, statusOrder, statusTexts } from '../../texts/status.ts'

/** One thing that needs attention. */
export type Concern = {
  readonly key: string
  readonly severity: 'bad' | 'warn'
  readonly title: string
  /** The reason, in the words of the daemon where it gives any. */
  readonly why: string
  /** The broken line of a document, without what could be a secret. */
  readonly excerpt?: string | undefined
  readonly next: string
  /** Parts and parameters of the page that shows more. */
  readonly at: { readonly parts: readonly string[]; readonly parameters?: Readonly<Record<string, string>> }
}

type Suspicion = { readonly remedy: string; readonly failing?: number; readonly of?: number }
export type SourceView = SourceStatus
export type SourcesAnswer = { readonly sources: readonly SourceView[]; readonly suspicion?: Suspicion }
export type HealthAnswer = {
  readonly status: string
  readonly name: string
  readonly version: string
  readonly uptime_seconds: number
  readonly store?: 'down'
  readonly warnings?: readonly string[]
}
export type UnresolvedAnswer = {
  readonly agents: readonly {
    readonly functions: readonly {
      readonly dependencies: readonly { readonly capability: string; readonly status: string }[]
    }[]
  }[]
}
export type ReloadEvents = {
  readonly events: readonly { readonly reason?: string; readonly data?: { readonly applied?: boolean } }[]
}

type Known = {
  readonly sources: SourcesAnswer | undefined
  readonly health: HealthAnswer | undefined
  readonly dependencies: UnresolvedAnswer | undefined
  readonly reloads: ReloadEvents | undefined
  readonly rows: Iterable<Row>
}

const words = overviewTexts.problems

/** What needs attention, the worst first. */
export function concernsOf({ sources, health, dependencies, reloads, rows }: Known): readonly Concern[] {
  const concerns = [
    ...healthConcerns(health, sources?.suspicion),
    ...configConcerns(reloads),
    ...(sources?.sources ?? []).flatMap(sourceConcerns),
    ...dependencyConcerns(dependencies),
    ...serverConcerns(rows),
  ]
  return [
    ...concerns.filter(({ severity }) => severity === 'bad'),
    ...concerns.filter(({ severity }) => severity === 'warn'),
  ]
}

function healthConcerns(health: HealthAnswer | undefined, suspicion: Suspicion | undefined): readonly Concern[] {
  const found: Concern[] = []
  if (health?.store === 'down')
    found.push({ ...bad('store', words.store), why: '', next: words.storeNext, at: { parts: ['operations'] } })
  if (suspicion)
    found.push({ ...bad('suspicion', words.suspicion), why: '', next: suspicion.remedy, at: { parts: ['operations'] } })
  for (const warning of health?.warnings ?? [])
    found.push({ ...warn(`warning ${warning}`, words.warning), why: warning, next: '', at: { parts: ['operations'] } })
  return found
}

function configConcerns(reloads: ReloadEvents | undefined): readonly Concern[] {
  const [last] = reloads?.events ?? []
  if (last?.data?.applied !== false) return []
  return [
    {
      ...bad('config', words.config),
      why: last.reason ?? '',
      next: words.configNext,
      at: { parts: ['operations'] },
    },
  ]
}

function sourceConcerns(source: SourceView): readonly Concern[] {
  const { name, type, state, origins, rejected, rejections, held } = source
  const at = { parts: ['sources', name] }
  const found: Concern[] = []
  const failing = origins.filter((origin) => origin.error !== undefined)
  for (const { origin, error = '', where, excerpt, error_class: kind } of failing) {
    const title = type === 'file' && kind === 'config' ? words.file(origin) : words.origin(origin)
    const next = kind === 'config' ? words.fileNext : words.sourceNext
    const why = where ? `${where}: ${error}` : error
    found.push({ ...bad(`origin ${name} ${origin}`, title), why, excerpt, next, at })
  }
  if (
    failing.length === 0 &&
    (state === 'stale' || state === 'degraded') &&
    source.last_error !== undefined &&
    rejected === 0
  )
    found.push({ ...bad(`source ${name}`, words.source(name)), why: source.last_error, next: words.sourceNext, at })
  if (rejected > 0) {
    const [first] = rejections
    const why = first ? [first.origin, first.where, first.name, first.reason].filter(Boolean).join(': ') : ''
    found.push({ ...warn(`rejected ${name}`, words.rejected(rejected, name)), why, next: words.rejectedNext, at })
  }
  if (held)
    found.push({
      ...warn(`held ${name}`, words.held(name, held.removes)),
      why: words.heldWhy,
      next: words.heldNext,
      at,
    })
  if (source.self_preservation)
    found.push({ ...bad(`leases ${name}`, words.leases), why: '', next: source.self_preservation.remedy, at })
  return found
}

function dependencyConcerns(dependencies: UnresolvedAnswer | undefined): readonly Concern[] {
  const lacking = (dependencies?.agents ?? [])
    .map(({ functions }) =>
      functions.flatMap((one) => one.dependencies.filter(({ status }) => status === 'unavailable')),
    )
    .filter((missing) => missing.length > 0)
  if (lacking.length === 0) return []
  const capabilities = new Set(lacking.flat().map(({ capability }) => capability))
  return [
    {
      ...warn('dependencies', words.dependency(lacking.length)),
      why: [...capabilities].slice(0, 5).join(', '),
      next: words.dependencyNext,
      at: { parts: ['graph'], parameters: { unresolved: 'true' } },
    },
  ]
}

/** Servers that are not well, together by status and reason: their remedy is the same. */
function serverConcerns(rows: Iterable<Row>): readonly Concern[] {
  const groups = new Map<string, { readonly status: Status; readonly reason: Reason; count: number }>()
  for (const { status, reason, enabled } of rows) {
    if (!enabled || status === 'healthy' || status === 'unknown' || status === 'pending') continue
    const known = (reason ?? 'ok') as Reason
    const key = `${status} ${known}`
    const group = groups.get(key) ?? { status, reason: known, count: 0 }
    group.count += 1
    groups.set(key, group)
  }
  return [...groups]
    .toSorted(
      ([, one], [, other]) =>
        statusOrder.indexOf(one.status) - statusOrder.indexOf(other.status) || other.count - one.count,
    )
    .map(([key, { status, reason, count }]): Concern => {
      const { meaning, remedy = '' } = reasonTexts[reason] ?? { meaning: reason }
      const title = words.servers(count, statusTexts[status].word)
      const base = status === 'degraded' ? warn(`servers ${key}`, title) : bad(`servers ${key}`, title)
      return { ...base, why: meaning, next: remedy, at: { parts: ['servers'], parameters: { status, reason } } }
    })
}

const bad = (key: string, title: string) => ({ key, severity: 'bad', title }) as const
const warn = (key: string, title: string) => ({ key, severity: 'warn', title }) as const
