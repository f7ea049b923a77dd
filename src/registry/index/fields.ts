import type { Capability } from '../../model/capability.ts'
import type { Facets } from '../../model/query/matching.ts'
import type { Server } from '../../model/server.ts'

/** What is indexed: which part of a server, and the values it is found by. */
export const fields = {
  namespace: { part: (server) => server.namespace, values: (server) => [server.namespace] },
  source: { part: (server) => server.source, values: (server) => [server.source] },
  type: { part: (server) => server.type, values: (server) => [server.type] },
  enabled: { part: (server) => server.enabled, values: (server) => [String(server.enabled)] },
  status: { part: (server) => server.status, values: (server) => [server.status] },
  discovery_method: { part: (server) => server.discovery_method, values: (server) => [server.discovery_method] },
  tag: { part: (server) => server.tags, values: (server) => server.tags },
  label: { part: (server) => server.labels, values: (server) => Object.keys(server.labels) },
  label_value: {
    part: (server) => server.labels,
    values: (server) => Object.entries(server.labels).map(([key, value]) => `${key}=${value}`),
  },
  capability: capabilityField((capability) => [capability.name]),
  capability_facets: capabilityField((capability) => [facetsOf(capability)]),
} as const satisfies Record<string, IndexedField>

type IndexedField = {
  /** Equal parts have equal values: what did not change is not indexed again. */
  readonly part: (server: Server) => unknown
  readonly values: (server: Server) => readonly string[]
}
export type Field = keyof typeof fields

function capabilityField(values: (capability: Capability) => readonly string[]): IndexedField {
  return { part: (server) => server.capabilities, values: (server) => server.capabilities.flatMap(values) }
}

/**
 * What may be asked of a capability beside its name, as one value: asked together, it must hold together.
 *
 * There are few such combinations, however many capabilities there are.
 */
function facetsOf({ category, stability, version, tags }: Capability): string {
  return JSON.stringify([stability, version, tags, category])
}

/** The facets that a value of the field `capability_facets` stands for. */
export function facetsIn(value: string): Facets {
  const [stability, version, tags, category] = JSON.parse(value) as [Facets['stability'], string, string[], string?]
  return { stability, version, tags, ...(typeof category === 'string' ? { category } : {}) }
}
