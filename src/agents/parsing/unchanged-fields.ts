import { Capability } from '../../model/capability.ts'
import { jsonEqual } from '../../model/data/json-equal.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import type { Agent } from '../agent.ts'

type Definition = Agent['definition']

/** Validated fields of a registration that are equal to the stored ones. */
export type UnchangedFields = Partial<
  Pick<Definition, (typeof definitionFields)[number] | 'capabilities'> & Pick<Agent['spec'], 'endpoint' | 'config'>
>

const definitionFields = ['namespace', 'description', 'labels', 'annotations', 'tags', 'dependencies'] as const

/**
 * Fields of a normalized registration that are equal to the stored ones; they skip validation.
 *
 * Validation is most of the cost of a registration, and an agent that registers again has seldom changed more than its
 * version.
 */
export function unchangedFields(
  normalized: JsonObject,
  { definition, spec }: Pick<Agent, 'definition' | 'spec'>,
): UnchangedFields {
  const unchanged: Record<string, unknown> = {}
  for (const field of definitionFields) {
    if (normalized[field] !== undefined && jsonEqual(normalized[field], definition[field]))
      unchanged[field] = definition[field]
  }
  if (normalized['endpoint'] === spec.endpoint) unchanged['endpoint'] = spec.endpoint
  if (normalized['config'] !== undefined && jsonEqual(normalized['config'], spec.config))
    unchanged['config'] = spec.config
  if (areSameCapabilities(normalized['capabilities'], definition.capabilities))
    unchanged['capabilities'] = definition.capabilities
  return unchanged
}

function areSameCapabilities(normalized: unknown, stored: readonly Capability[]): boolean {
  if (!Array.isArray(normalized) || normalized.length !== stored.length) return false
  return normalized.every(
    (one: unknown, at) => typeof one === 'object' && one !== null && isSameCapability(one as JsonObject, stored[at]!),
  )
}

/** A capability without optional fields; created on first use. */
let defaultCapability: JsonObject | undefined

/** Whether the normalized capability, completed with defaults, equals the stored one. */
function isSameCapability(normalized: JsonObject, stored: JsonObject): boolean {
  for (const key in normalized)
    if (normalized[key] !== undefined && !jsonEqual(normalized[key], stored[key])) return false
  defaultCapability ??= Capability.parse({ name: 'capability' })
  for (const key in stored)
    if (normalized[key] === undefined && !jsonEqual(stored[key], defaultCapability[key])) return false
  return true
}
