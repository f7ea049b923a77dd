import { toCapability } from '../../model/capability.ts'
import { mapValues } from '../../model/map-values.ts'
import { toTextMap } from '../../model/server.ts'

/** How deep what is sent may be nested. */
export const maxNesting = 32

/** Whether there are objects in objects beyond `most`; goes no deeper than that itself. */
export function isDeeperThan(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (most < 0) return true
  if (Array.isArray(value)) return value.some((one) => isDeeperThan(one, most - 1))
  for (const key in value) if (isDeeperThan((value as Fields)[key], most - 1)) return true
  return false
}

export type Fields = Readonly<Record<string, unknown>>

/** What is null is as if it were not there. */
export function withoutNulls(fields: Fields): Fields {
  for (const key in fields) {
    if (fields[key] === null) return Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== null))
  }
  return fields
}

/** What was sent in the shape of a definition, unchecked: texts for what YAML reads as numbers, tags that are labels. */
export function normalizeRegistration(value: object): Record<string, unknown> {
  const sent = withoutNulls(value as Fields)
  const { namespace, tags, labels, annotations, capabilities, security_context: security } = sent
  return {
    ...sent,
    name: asText(sent['name']),
    namespace: namespace === '' ? undefined : namespace,
    version: asText(sent['version']),
    tags: isMap(tags) ? undefined : Array.isArray(tags) ? tags.map(asText) : tags,
    labels: toTextMap(isMap(tags) && (labels === undefined || isMap(labels)) ? { ...tags, ...labels } : labels),
    annotations: isMap(annotations) ? textual(annotations) : annotations,
    capabilities: Array.isArray(capabilities) ? capabilities.map(capabilityOf) : capabilities,
    security_context: isMap(security) ? JSON.stringify(security) : security,
    resource_version: asText(sent['resource_version']),
  }
}

function asText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value
}

/** Whether it is an object as JSON and YAML have them, and no list. */
export function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textual(values: Fields): Fields {
  return mapValues(values, (value) => (typeof value === 'string' ? value : JSON.stringify(value)))
}

function capabilityOf(sent: unknown): unknown {
  if (!isMap(sent)) return toCapability(sent)
  const given = withoutNulls(sent)
  const schema = given['input_schema'] ?? given['parameters_schema'] ?? given['parameters']
  return { ...given, ...(typeof schema === 'object' && { input_schema: schema }), kind: 'declared', origin: 'declared' }
}
