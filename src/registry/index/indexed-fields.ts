import type { Capability } from '../../model/capability.ts'
import type { Facets } from '../../model/query/matching.ts'
import type { Server } from '../../model/server.ts'

type FieldIndexer = {
  /** The value that `valuesOf` depends on: while it is the same, the field is not indexed again. */
  readonly inputOf: (server: Server) => unknown
  /** The values that the server is found by. */
  readonly valuesOf: (server: Server) => readonly string[]
}

/** The fields of the inverted index. */
export const indexedFields = {
  namespace: { inputOf: (server) => server.namespace, valuesOf: (server) => [server.namespace] },
  source: { inputOf: (server) => server.source, valuesOf: (server) => [server.source] },
  type: { inputOf: (server) => server.type, valuesOf: (server) => [server.type] },
  enabled: { inputOf: (server) => server.enabled, valuesOf: (server) => [String(server.enabled)] },
  status: { inputOf: (server) => server.status, valuesOf: (server) => [server.status] },
  discovery_method: {
    inputOf: (server) => server.discovery_method,
    valuesOf: (server) => [server.discovery_method],
  },
  tag: { inputOf: (server) => server.tags, valuesOf: (server) => server.tags },
  label: { inputOf: (server) => server.labels, valuesOf: (server) => Object.keys(server.labels) },
  label_value: {
    inputOf: (server) => server.labels,
    valuesOf: (server) => Object.entries(server.labels).map(([key, value]) => `${key}=${value}`),
  },
  capability: capabilityField((capability) => [capability.name]),
  function_name: capabilityField(({ function_name }) => (function_name === undefined ? none : [function_name])),
  capability_facets: capabilityField((capability) => [facetsOf(capability)]),
} as const satisfies Record<string, FieldIndexer>

const none: readonly string[] = []

export type IndexField = keyof typeof indexedFields

function capabilityField(valuesOf: (capability: Capability) => readonly string[]): FieldIndexer {
  return { inputOf: (server) => server.capabilities, valuesOf: (server) => server.capabilities.flatMap(valuesOf) }
}

/**
 * The facets of a capability as one value, because a query's facets must all hold for the same capability.
 *
 * Few distinct values exist, however many capabilities do.
 */
function facetsOf({ category, stability, version, tags }: Capability): string {
  return JSON.stringify([stability, version, tags, category])
}

/** Parses a value of the field `capability_facets`. */
export function facetsIn(value: string): Facets {
  const [stability, version, tags, category] = JSON.parse(value) as [Facets['stability'], string, string[], string?]
  return { stability, version, tags, ...(typeof category === 'string' ? { category } : {}) }
}
