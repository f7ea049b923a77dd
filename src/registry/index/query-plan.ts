import {
  hasCapability,
  matchingCapability,
  matchingCapabilityName,
  matchingFacets,
  type NameTest,
  type Predicate,
} from '../../model/query/matching.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import { facetsIn, type IndexField } from './indexed-fields.ts'
import type { Posting } from './postings.ts'

/** Where a plan looks up. */
export type IndexLookup = {
  readonly posting: (field: IndexField, value: string) => Posting | undefined
  readonly values: (field: IndexField) => Iterable<string>
  readonly slotOf: (namespace: string, name: string) => number | undefined
}

/** How a query is answered: a server is in one posting of each of `all`, in none of `none`, and holds to `verify`. */
export type QueryPlan = {
  readonly all: readonly (readonly Posting[])[]
  readonly none: readonly Posting[]
  /** What the postings cannot tell. */
  readonly verify?: Predicate
}

/** Turns the filter of a query into look-ups; all but the words of `q`. */
export function planQuery(query: ServerQuery, lookup: IndexLookup, isNamed?: NameTest): QueryPlan {
  const all: Posting[][] = []
  const none: Posting[] = []
  const oneOf = (field: IndexField, values: Iterable<string>) => all.push(among(lookup, field, values))

  const { namespace, name, source, type, enabled, status, tag, any_tag, label_selector } = query
  if (namespace !== undefined) oneOf('namespace', [namespace])
  if (name !== undefined) {
    const namespaces = namespace === undefined ? [...lookup.values('namespace')] : [namespace]
    all.push(namespaces.flatMap((one) => lookup.slotOf(one, name) ?? []))
  }
  if (source !== undefined) oneOf('source', [source])
  if (type !== undefined) oneOf('type', [type])
  if (enabled !== undefined) oneOf('enabled', [String(enabled)])
  if (status.length > 0) oneOf('status', status)
  for (const one of tag) oneOf('tag', [one])
  if (any_tag.length > 0) oneOf('tag', any_tag)
  for (const requirement of label_selector ?? []) {
    if (requirement.operator === 'exists') oneOf('label', [requirement.key])
    else if (requirement.operator === 'absent') none.push(...among(lookup, 'label', [requirement.key]))
    else {
      const values = requirement.values.map((value) => `${requirement.key}=${value}`)
      if (requirement.operator === 'in') oneOf('label_value', values)
      else none.push(...among(lookup, 'label_value', values))
    }
  }
  const [named, suits] = [isNamed ?? matchingCapabilityName(query), matchingFacets(query)]
  if (named && query.capability !== undefined) {
    const isOne = !isNamed && !query.fuzzy_match
    const names = isOne ? [query.capability] : [...lookup.values('capability')].filter(named)
    oneOf('capability', names)
  }
  if (suits) {
    const facets = [...lookup.values('capability_facets')].filter((value) => suits(facetsIn(value)))
    oneOf('capability_facets', facets)
  }
  // The name and the rest must be those of one and the same capability, which two look-ups cannot tell.
  const both = named && suits ? matchingCapability(query, named) : undefined
  return both ? { all, none, verify: hasCapability(both) } : { all, none }
}

function among(lookup: IndexLookup, field: IndexField, values: Iterable<string>): Posting[] {
  return [...values].flatMap((value) => lookup.posting(field, value) ?? [])
}
