import { matchesFuzzily } from '../model/fuzzy.ts'
import { hasCapability, matchingCapability, type Predicate } from '../model/matching.ts'
import type { ServerQuery } from '../model/query.ts'
import { matchingVersion } from '../model/version.ts'
import type { Field } from './fields.ts'
import type { Posting } from './postings.ts'

/** Where a plan looks up. */
export type Lookup = {
  readonly posting: (field: Field, value: string) => Posting | undefined
  readonly values: (field: Field) => Iterable<string>
  readonly slotOf: (namespace: string, name: string) => number | undefined
}

/** How a query is answered: a server is in one posting of each of `all`, in none of `none`, and holds to `verify`. */
export type Plan = {
  readonly all: readonly (readonly Posting[])[]
  readonly none: readonly Posting[]
  /** What the postings cannot tell. */
  readonly verify?: Predicate
}

/** Turns the filter of a query into look-ups; all but the words of `q`. */
export function planOf(query: ServerQuery, lookup: Lookup): Plan {
  const all: Posting[][] = []
  const none: Posting[] = []
  const oneOf = (field: Field, values: Iterable<string>) => all.push(among(lookup, field, values))

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
  const asked = capabilityLookups(query, lookup)
  for (const [field, values] of asked) oneOf(field, values)
  const suits = matchingCapability(query)
  // One condition is what its index says; several must hold of one and the same capability.
  return suits && asked.length > 1 ? { all, none, verify: hasCapability(suits) } : { all, none }
}

function capabilityLookups(query: ServerQuery, lookup: Lookup): [Field, readonly string[]][] {
  const { capability, capability_category, capability_stability, capability_tags, version_constraint } = query
  const asked: [Field, readonly string[]][] = []
  const known = (field: Field, holds: (value: string) => boolean) => [...lookup.values(field)].filter(holds)
  if (capability !== undefined && capability !== '*') {
    const near = (name: string) => matchesFuzzily(name, capability)
    asked.push(['capability', query.fuzzy_match ? known('capability', near) : [capability]])
  }
  if (capability_category !== undefined) asked.push(['capability_category', [capability_category]])
  if (capability_stability !== undefined) asked.push(['capability_stability', [capability_stability]])
  if (capability_tags.length > 0) asked.push(['capability_tag', capability_tags])
  const version = version_constraint === undefined ? undefined : matchingVersion(version_constraint)
  if (version) asked.push(['capability_version', known('capability_version', version)])
  return asked
}

function among(lookup: Lookup, field: Field, values: Iterable<string>): Posting[] {
  return [...values].flatMap((value) => lookup.posting(field, value) ?? [])
}
