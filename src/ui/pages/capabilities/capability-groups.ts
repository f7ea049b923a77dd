import type { CapabilityList } from '../../../client/index.ts'

export type OfferedCapability = CapabilityList['capabilities'][number] & { readonly kind?: string }

/** A capability with all that offer it. */
export type CapabilityGroup = {
  readonly name: string
  readonly description: string
  /** Healthy ones first. */
  readonly offers: readonly OfferedCapability[]
  readonly healthy: number
  /** Newest first. */
  readonly versions: readonly string[]
  readonly tags: readonly string[]
  readonly kinds: readonly string[]
}

const byText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
/** Numbers in versions count by their value: `1.10.0` after `1.9.0`. */
const byVersion = new Intl.Collator('en', { numeric: true })

const isHealthy = ({ agent_status: status }: OfferedCapability) => status === 'healthy'

/** Capabilities by their names. */
export function groupsOfOffers(offers: readonly OfferedCapability[]): readonly CapabilityGroup[] {
  const byName = Map.groupBy(offers, ({ name }) => name)
  return [...byName]
    .map(([name, some]) => ({
      name,
      description: some.find(({ description }) => description)?.description ?? '',
      offers: some.toSorted(
        (one, other) => Number(isHealthy(other)) - Number(isHealthy(one)) || byText(one.agent_id, other.agent_id),
      ),
      healthy: some.filter(isHealthy).length,
      versions: distinct(some.map(({ version }) => version)).toSorted((one, other) => byVersion.compare(other, one)),
      tags: distinct(some.flatMap(({ tags }) => tags)).toSorted(byText),
      kinds: distinct(some.map(({ kind = 'declared' }) => kind)).toSorted(byText),
    }))
    .toSorted((one, other) => byText(one.name.toLowerCase(), other.name.toLowerCase()))
}

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)]

/** The test of the filters of an address. */
export function matchesFilters(parameters: URLSearchParams): (group: CapabilityGroup) => boolean {
  const words = (parameters.get('q') ?? '').toLowerCase().split(/\s+/)
  const [kind, tag] = [parameters.get('kind'), parameters.get('tag')]
  const isOnlyHealthy = parameters.has('healthy')
  return ({ name, description, tags, kinds, healthy }) => {
    const searched = `${name} ${description} ${tags.join(' ')}`.toLowerCase()
    return (
      words.every((word) => searched.includes(word)) &&
      (kind === null || kinds.includes(kind)) &&
      (tag === null || tags.includes(tag)) &&
      (!isOnlyHealthy || healthy > 0)
    )
  }
}
