import type { Server } from '../model/server.ts'

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
  capability_category: capabilityField(({ category }) => (category === undefined ? [] : [category])),
  capability_stability: capabilityField((capability) => [capability.stability]),
  capability_tag: capabilityField((capability) => capability.tags),
  capability_version: capabilityField((capability) => [capability.version]),
} as const satisfies Record<string, IndexedField>

type IndexedField = {
  /** Equal parts have equal values: what did not change is not indexed again. */
  readonly part: (server: Server) => unknown
  readonly values: (server: Server) => readonly string[]
}
export type Field = keyof typeof fields

function capabilityField(values: (capability: Server['capabilities'][number]) => readonly string[]): IndexedField {
  return { part: (server) => server.capabilities, values: (server) => server.capabilities.flatMap(values) }
}
