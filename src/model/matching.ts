import type { Capability } from './capability.ts'
import { matchesFuzzily } from './fuzzy.ts'
import type { ServerQuery } from './query.ts'
import { relevance, wordsOf } from './search.ts'
import { type Requirement, selects } from './selector.ts'
import type { Server } from './server.ts'
import { matchingVersion } from './version.ts'

export type Predicate = (server: Server) => boolean

export const hasTag =
  (tag: string): Predicate =>
  ({ tags }) =>
    tags.includes(tag)

export const hasAnyTag =
  (asked: readonly string[]): Predicate =>
  ({ tags }) =>
    tags.some((tag) => asked.includes(tag))

export const hasLabels =
  (requirements: readonly Requirement[]): Predicate =>
  ({ labels }) =>
    selects(requirements, labels)

/** Whether one and the same capability satisfies `suits`. */
export const hasCapability =
  (suits: (capability: Capability) => boolean): Predicate =>
  ({ capabilities }) =>
    capabilities.some(suits)

export function answersTo(q: string, fuzzy: boolean): Predicate {
  const words = wordsOf(q)
  return (server) => relevance(server, words, fuzzy) > 0
}

type CapabilityQuery = Pick<
  ServerQuery,
  | 'capability'
  | 'capability_category'
  | 'capability_stability'
  | 'capability_tags'
  | 'version_constraint'
  | 'fuzzy_match'
>

/** What is asked of a capability: all of it of one and the same. Undefined where nothing is. */
export function matchingCapability(query: CapabilityQuery): ((capability: Capability) => boolean) | undefined {
  const { capability: name, capability_category, capability_stability, capability_tags, version_constraint } = query
  const conditions: ((capability: Capability) => boolean)[] = []
  if (name !== undefined && name !== '*')
    conditions.push((one) => (query.fuzzy_match ? matchesFuzzily(one.name, name) : one.name === name))
  if (capability_category !== undefined) conditions.push((one) => one.category === capability_category)
  if (capability_stability !== undefined) conditions.push((one) => one.stability === capability_stability)
  if (capability_tags.length > 0) conditions.push((one) => one.tags.some((tag) => capability_tags.includes(tag)))
  const version = version_constraint === undefined ? undefined : matchingVersion(version_constraint)
  if (version) conditions.push((one) => version(one.version))
  return conditions.length === 0 ? undefined : (one) => conditions.every((holds) => holds(one))
}

/** Whether a server is what a query asks for: its filter, not its page. */
export function matching(query: ServerQuery): Predicate {
  const holds: Predicate[] = []
  const { namespace, name, tag, any_tag, status, source, type, enabled, label_selector, q } = query
  if (namespace !== undefined) holds.push((server) => server.namespace === namespace)
  if (name !== undefined) holds.push((server) => server.name === name)
  if (source !== undefined) holds.push((server) => server.source === source)
  if (type !== undefined) holds.push((server) => server.type === type)
  if (enabled !== undefined) holds.push((server) => server.enabled === enabled)
  if (status.length > 0) holds.push((server) => status.includes(server.status))
  for (const one of tag) holds.push(hasTag(one))
  if (any_tag.length > 0) holds.push(hasAnyTag(any_tag))
  if (label_selector) holds.push(hasLabels(label_selector))
  const suits = matchingCapability(query)
  if (suits) holds.push(hasCapability(suits))
  if (q !== undefined) holds.push(answersTo(q, query.fuzzy_match))
  return (server) => holds.every((predicate) => predicate(server))
}
