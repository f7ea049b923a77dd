import type { Capability } from '../../model/capability.ts'
import type { Facets } from '../../model/query/matching.ts'
import type { Server } from '../../model/server.ts'

/** What is indexed: which part of a server, and the values it is found by. */
export const indexedFields = {
  namespace: { inputOf: (server) => server.namespace, valuesOf: (server) => [server.namespace] },
  source: { inputOf: (server) => server.source, valuesOf: (server) => [server.source] },
  type: { inputOf: (server) => server.type, valuesOf: (server) => [server.type] },
  enabled: { inputOf: (server) => server.enabled, valuesOf: (server) => [String(server.enabled)] },
  status: { inputOf: (server) => server.status, valuesOf: (server) => [server.status] },
  discovery_method: { inputOf: (server) => server.discovery_method, valuesOf: (server) => [server.discovery_method] },
  tag: { inputOf: (server) => server.tags, valuesOf: (server) => server.tags },
  label: { inputOf: (server) => server.labels, valuesOf: (server) => Object.keys(server.labels) },
  label_value: {
    inputOf: (server) => server.labels,
    valuesOf: (server) => Object.entries(server.labels).map(([key, value]) => `${key}=${value}`),
  },
  capability: capabilityField((capability) => [capability.name]),
  capability_facets: capabilityField((capability) => [facetsOf(capability)]),
} as const satisfies Record<string, IndexedField>

type IndexedField = {
  /** Equal parts have equal values: what did not change is not indexed again. */
  readonly inputOf: (server: Server) => unknown
  readonly valuesOf: (server: Server) => readonly string[]
}
export type IndexField = keyof typeof indexedFields

function capabilityField(values: (capability: Capability) => readonly string[]): IndexedField {
  return { inputOf: (server) => server.capabilities, valuesOf: (server) => server.capabilities.flatMap(values) }
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
