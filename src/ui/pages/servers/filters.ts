import type { Row } from '../../data/protocol.ts'
import type { Compare } from '../../data/sorted-view.ts'
import { reasonTexts, statusOrder } from '../../texts/status.ts'

/** Filters that a row answers by itself, each with what it compares. Several values of one mean any of them. */
const ownFilters = {
  status: (row: Row) => row.status,
  namespace: (row: Row) => row.namespace,
  source: (row: Row) => row.source,
  type: (row: Row) => row.type,
  reason: (row: Row) => row.reason ?? '',
  enabled: (row: Row) => String(row.enabled),
  stale: (row: Row) => String(row.stale),
  shadows: (row: Row) => String(row.shadows > 0),
} as const

/** Filters that only the daemon can answer: a row does not hold what they ask for. */
export const askedFilters = [
  'q',
  'name',
  'any_tag',
  'label_selector',
  'capability',
  'tool',
  'prompt',
  'resource',
  'extension',
  'capability_category',
  'capability_stability',
  'capability_tags',
  'version_constraint',
] as const

export type OwnFilter = keyof typeof ownFilters
export const filterNames: readonly string[] = [...Object.keys(ownFilters), 'tag', ...askedFilters]

const yesOrNo = ['true', 'false']

/** Filters of few values, with all that they can have. */
export const filterValues: Readonly<Record<string, readonly string[]>> = {
  status: statusOrder,
  type: ['http', 'sse', 'stdio'] satisfies Row['type'][],
  reason: Object.keys(reasonTexts),
  enabled: yesOrNo,
  stale: yesOrNo,
  shadows: yesOrNo,
}

/** Filters of an address with values that they cannot have. */
export function unknownValuesIn(parameters: URLSearchParams): readonly (readonly [name: string, value: string])[] {
  return [...parameters].filter(([name, value]) => filterValues[name]?.includes(value) === false)
}

/** The test of the filters of an address that rows answer by themselves. */
export function ownMatch(parameters: URLSearchParams): (row: Row) => boolean {
  const tests = Object.entries(ownFilters).flatMap(([name, read]) => {
    const values = new Set(parameters.getAll(name))
    return values.size === 0 ? [] : [(row: Row) => values.has(read(row))]
  })
  // As in `/servers`: each tag is required.
  const tags = parameters.getAll('tag')
  if (tags.length > 0) tests.push(({ tags: own }) => tags.every((tag) => own.includes(tag)))
  return (row) => tests.every((holds) => holds(row))
}

/**
 * The query of the filters and the order that the daemon must answer; empty where there are none. Its fields are those that the
 * answer is read for.
 */
export function askedQuery(parameters: URLSearchParams): string {
  const asked = new URLSearchParams()
  for (const name of askedFilters)
    for (const value of parameters.getAll(name)) if (value.trim() !== '') asked.append(name, value.trim())
  if (asked.has('q')) asked.set('fuzzy_match', 'true')
  const { key, isDescending } = sortOf(parameters)
  if (key === 'response') asked.set('sort', isDescending ? '-response_time' : 'response_time')
  if (key === 'tools') asked.set('fields', 'id,capabilities')
  if (asked.size > 0 && key !== 'tools') asked.set('fields', 'id')
  return asked.toString()
}

const byText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
const rank = new Map(statusOrder.map((status, index) => [status, index]))
const byName: Compare = (one, other) => byText(one.nameKey, other.nameKey) || byText(one.namespace, other.namespace)

const comparisons = {
  status: (one, other) => rank.get(one.status)! - rank.get(other.status)! || byName(one, other),
  name: byName,
  namespace: (one, other) => byText(one.namespace, other.namespace) || byName(one, other),
  type: (one, other) => byText(one.type, other.type) || byName(one, other),
  source: (one, other) => byText(one.source, other.source) || byName(one, other),
  since: (one, other) => other.since - one.since || byName(one, other),
  tags: (one, other) => byText(one.tags.join(' '), other.tags.join(' ')) || byName(one, other),
} as const satisfies Record<string, Compare>

/** Columns whose order the daemon knows: their values are not in the rows. */
const askedColumns = ['response', 'tools'] as const

export type ColumnKey = keyof typeof comparisons | (typeof askedColumns)[number]
/** In the order of the table. */
export const columnKeys: readonly ColumnKey[] = [
  'status',
  'name',
  'namespace',
  'type',
  'source',
  'since',
  'response',
  'tools',
  'tags',
]

/** Whether the answer of the daemon says the order of the rows. */
export function isOrderAsked(parameters: URLSearchParams): boolean {
  const { key } = sortOf(parameters)
  return askedColumns.some((one) => one === key) || (Boolean(parameters.get('q')?.trim()) && !parameters.has('sort'))
}

/** The order that an address asks for: `sort=-name`. Default: the worst first. */
export function sortOf(parameters: URLSearchParams): { readonly key: ColumnKey; readonly isDescending: boolean } {
  const text = parameters.get('sort') ?? ''
  const key = columnKeys.find((one) => one === text.replace(/^-/, '')) ?? 'status'
  return { key, isDescending: text.startsWith('-') }
}

export function compareBy({ key, isDescending }: ReturnType<typeof sortOf>): Compare {
  const compare = key in comparisons ? comparisons[key as keyof typeof comparisons] : byName
  return isDescending ? (one, other) => compare(other, one) : compare
}

export const groupKeys = ['source', 'namespace', 'tag', 'status'] as const
export type GroupKey = (typeof groupKeys)[number]

/** The groups of a row; a server with several tags stands in the group of each. */
export function groupsOf(row: Row, key: GroupKey): readonly string[] {
  if (key === 'tag') return row.tags.length > 0 ? row.tags : ['']
  return [row[key]]
}
