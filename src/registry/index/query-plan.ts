import {
  hasCapability,
  matchingCapability,
  matchingCapabilityName,
  matchingFacets,
  matchingKinds,
  type NameTest,
  type Predicate,
} from '../../model/query/matching.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import { facetsIn, type IndexField } from './indexed-fields.ts'
import type { Posting } from './postings.ts'

/** The part of the inverted index that a plan reads. */
export type IndexLookup = {
  readonly posting: (field: IndexField, value: string) => Posting | undefined
  readonly values: (field: IndexField) => Iterable<string>
  readonly slotOf: (namespace: string, name: string) => number | undefined
}

/** A server matches if it is in one posting of each of `required`, in none of `excluded`, and satisfies `verify`. */
export type QueryPlan = {
  readonly required: readonly (readonly Posting[])[]
  readonly excluded: readonly Posting[]
  /** The part of the filter that postings cannot decide. */
  readonly verify?: Predicate
}

/** Turns the filter of a query into postings, but for `q`. */
export function planQuery(query: ServerQuery, lookup: IndexLookup, isNamed?: NameTest): QueryPlan {
  const required: Posting[][] = []
  const excluded: Posting[] = []
  const oneOf = (field: IndexField, values: Iterable<string>) => required.push(postingsOf(lookup, field, values))

  const { namespace, name, source, type, enabled, status, tag, any_tag, label_selector } = query
  if (namespace.length > 0) oneOf('namespace', namespace)
  if (name !== undefined) {
    const namespaces = namespace.length === 0 ? [...lookup.values('namespace')] : namespace
    required.push(namespaces.flatMap((candidate) => lookup.slotOf(candidate, name) ?? []))
  }
  if (source.length > 0) oneOf('source', source)
  if (type.length > 0) oneOf('type', type)
  if (enabled !== undefined) oneOf('enabled', [String(enabled)])
  if (status.length > 0) oneOf('status', status)
  for (const one of tag) oneOf('tag', [one])
  if (any_tag.length > 0) oneOf('tag', any_tag)
  for (const requirement of label_selector ?? []) {
    if (requirement.operator === 'exists') oneOf('label', [requirement.key])
    else if (requirement.operator === 'absent') excluded.push(...postingsOf(lookup, 'label', [requirement.key]))
    else {
      const values = requirement.values.map((value) => `${requirement.key}=${value}`)
      if (requirement.operator === 'in') oneOf('label_value', values)
      else excluded.push(...postingsOf(lookup, 'label_value', values))
    }
  }
  const [hasName, hasFacets] = [isNamed ?? matchingCapabilityName(query), matchingFacets(query)]
  if (hasName && query.capability.length > 0) {
    const isExact = !isNamed && !query.fuzzy_match
    const names = isExact ? query.capability : [...lookup.values('capability')].filter(hasName)
    oneOf('capability', names)
  }
  if (hasFacets) {
    const facets = [...lookup.values('capability_facets')].filter((value) => hasFacets(facetsIn(value)))
    oneOf('capability_facets', facets)
  }
  // Name and facets must hold for the same capability, which two separate postings cannot decide.
  const both = hasName && hasFacets ? matchingCapability(query, hasName) : undefined
  const verifies = both ? [hasCapability(both)] : []
  // The index holds names alone: one per kind would double it, and few names are of several kinds.
  for (const { names, holds } of matchingKinds(query)) {
    required.push([...postingsOf(lookup, 'capability', names), ...postingsOf(lookup, 'function_name', names)])
    verifies.push(holds)
  }
  if (verifies.length === 0) return { required, excluded }
  return { required, excluded, verify: (server) => verifies.every((holds) => holds(server)) }
}

function postingsOf(lookup: IndexLookup, field: IndexField, values: Iterable<string>): Posting[] {
  return [...values].flatMap((value) => lookup.posting(field, value) ?? [])
}
