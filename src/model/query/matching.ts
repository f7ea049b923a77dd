import type { Capability } from '../capability.ts'
import type { Server } from '../server.ts'
import { isTool, type QueriedKind, queriedKinds, toolNameOf } from './capability-kinds.ts'
import { matchesFuzzily } from './fuzzy.ts'
import type { ServerQuery } from './query.ts'
import { nearMatch, relevanceTo, searchTextOf, wordsOf } from './search.ts'
import { type Requirement, matchesSelector } from './selector.ts'
import { matchingVersion } from './version.ts'

export type Predicate = (server: Server) => boolean

export const hasTag =
  (tag: string): Predicate =>
  ({ tags }) =>
    tags.includes(tag)

export const hasAnyTag =
  (anyOf: readonly string[]): Predicate =>
  ({ tags }) =>
    tags.some((tag) => anyOf.includes(tag))

export const hasLabels =
  (requirements: readonly Requirement[]): Predicate =>
  ({ labels }) =>
    matchesSelector(requirements, labels)

/** Whether a capability of the server satisfies `suits`. */
export const hasCapability =
  (suits: (capability: Capability) => boolean): Predicate =>
  ({ capabilities }) =>
    capabilities.some(suits)

function matchesText(q: string, fuzzy: boolean): Predicate {
  const relevance = relevanceTo(wordsOf(q), fuzzy ? nearMatch : undefined)
  return (server) => relevance(searchTextOf(server)) > 0
}

type FacetsQuery = Pick<
  ServerQuery,
  'capability_category' | 'capability_stability' | 'capability_tags' | 'version_constraint'
>

/** The facets of a capability: all that a query can test but its name. */
export type Facets = Pick<Capability, 'category' | 'stability' | 'version' | 'tags'>

/** The test of a capability's facets, all but its name; undefined where the query asks for none. */
export function matchingFacets(query: FacetsQuery): ((facets: Facets) => boolean) | undefined {
  const { capability_category, capability_stability, capability_tags, version_constraint } = query
  const conditions: ((facets: Facets) => boolean)[] = []
  if (capability_category !== undefined) conditions.push((capability) => capability.category === capability_category)
  if (capability_stability !== undefined) conditions.push((capability) => capability.stability === capability_stability)
  if (capability_tags.length > 0)
    conditions.push((capability) => capability.tags.some((tag) => capability_tags.includes(tag)))
  const version = version_constraint === undefined ? undefined : matchingVersion(version_constraint)
  if (version) conditions.push((capability) => version(capability.version))
  return conditions.length === 0 ? undefined : (capability) => conditions.every((holds) => holds(capability))
}

/** A test of a capability's name; undefined where any name matches. */
export type NameTest = ((name: string) => boolean) | undefined

/** The test of capability names that a query asks for. */
export function matchingCapabilityName(query: Pick<ServerQuery, 'capability' | 'fuzzy_match'>): NameTest {
  const { capability, fuzzy_match } = query
  if (capability.length === 0 || capability.includes('*')) return undefined
  return fuzzy_match
    ? (name) => capability.some((one) => matchesFuzzily(name, one))
    : (name) => capability.includes(name)
}

/** The test of one capability, name and facets together; undefined where the query asks for neither. */
export function matchingCapability(
  query: FacetsQuery & Pick<ServerQuery, 'capability' | 'fuzzy_match'>,
  isNamed: NameTest = matchingCapabilityName(query),
): ((capability: Capability) => boolean) | undefined {
  const suits = matchingFacets(query)
  if (!isNamed) return suits
  return (capability) => isNamed(capability.name) && (!suits || suits(capability))
}

/** The names that a query asks for by kind, each with its test. */
export function matchingKinds(
  query: Pick<ServerQuery, QueriedKind>,
): readonly { readonly names: readonly string[]; readonly holds: Predicate }[] {
  return (Object.keys(queriedKinds) as QueriedKind[]).flatMap((key) => {
    const [names, kinds] = [query[key], queriedKinds[key] as readonly Capability['kind'][]]
    if (names.length === 0) return []
    return [
      { names, holds: hasCapability((capability) => kinds.includes(capability.kind) && isOneOf(names, capability)) },
    ]
  })
}

/** Whether a capability has one of these names, or is carried out by a tool of one. */
function isOneOf(names: readonly string[], capability: Capability): boolean {
  return names.includes(capability.name) || (isTool(capability) && names.includes(toolNameOf(capability)))
}

/** The filter of a query as a predicate. `isNamed` replaces the query's own test of capability names. */
export function matching(query: ServerQuery, isNamed?: NameTest): Predicate {
  const holds: Predicate[] = []
  const { namespace, name, tag, any_tag, status, source, type, enabled, label_selector, q } = query
  if (namespace.length > 0) holds.push((server) => namespace.includes(server.namespace))
  if (name !== undefined) holds.push((server) => server.name === name)
  if (source.length > 0) holds.push((server) => source.includes(server.source))
  if (type.length > 0) holds.push((server) => type.includes(server.type))
  if (enabled !== undefined) holds.push((server) => server.enabled === enabled)
  if (status.length > 0) holds.push((server) => status.includes(server.status))
  for (const one of tag) holds.push(hasTag(one))
  if (any_tag.length > 0) holds.push(hasAnyTag(any_tag))
  if (label_selector) holds.push(hasLabels(label_selector))
  const suits = matchingCapability(query, isNamed)
  if (suits) holds.push(hasCapability(suits))
  holds.push(...matchingKinds(query).map((kind) => kind.holds))
  if (q !== undefined) holds.push(matchesText(q, query.fuzzy_match))
  return (server) => holds.every((predicate) => predicate(server))
}
