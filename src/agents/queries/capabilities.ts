import type { Capability } from '../../model/capability.ts'
import { matchesFuzzily } from '../../model/query/fuzzy.ts'
import { matchingFacets, type NameTest } from '../../model/query/matching.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import { isAgent } from '../mesh-registry.ts'
import { capabilityView } from './function-views.ts'
import type { CapabilityQuery } from './query-parameters.ts'

/** A server with those of its capabilities that match a query. */
export type CapabilityMatch = { readonly server: Server; readonly capabilities: readonly Capability[] }

/** The capabilities of `servers`, declared and introspected, that match. */
export function findCapabilities(query: CapabilityQuery, servers: readonly Server[]): readonly CapabilityMatch[] {
  const matches = capabilityFilter(query)
  return servers.flatMap((server) => {
    const capabilities = server.capabilities.filter(matches)
    return capabilities.length > 0 ? [{ server, capabilities }] : []
  })
}

/** Whether a capability matches, regardless of its server. */
export function capabilityFilter(query: CapabilityQuery): (capability: Capability) => boolean {
  const { description_contains, include_deprecated } = query
  const isNamed = nameMatcher(query)
  const matchesFacets = matchingFacets(query.query)
  return (capability) =>
    (include_deprecated || capability.stability !== 'deprecated') &&
    (!isNamed || isNamed(capability.name)) &&
    (!matchesFacets || matchesFacets(capability)) &&
    // As in the original: a capability without a description matches every text.
    (description_contains === undefined ||
      (capability.description ?? description_contains).toLowerCase().includes(description_contains))
}

/** Whether a capability's name matches: case is ignored, and a part of the name suffices unless `match` is `exact`. */
export function nameMatcher({ names, match }: CapabilityQuery): NameTest {
  if (names.length === 0) return undefined
  const lowerNames = names.map((name) => name.toLowerCase())
  if (match === 'fuzzy') return (text) => lowerNames.some((name) => matchesFuzzily(text, name))
  if (match === 'exact') return (text) => lowerNames.includes(text.toLowerCase())
  return (text) => lowerNames.some((name) => text.toLowerCase().includes(name))
}

/** A capability as `/capabilities` shows it, with its agent or server. */
export function ownedCapabilityView(
  { server }: Pick<CapabilityMatch, 'server'>,
  capability: Capability,
  agentOf: (id: string) => Agent | undefined,
): Record<string, unknown> {
  const agent = isAgent({ server }) ? agentOf(server.name) : undefined
  return {
    ...capabilityView(capability),
    agent_id: agent?.id ?? server.id,
    agent_name: agent?.spec.name ?? server.title ?? server.name,
    agent_namespace: server.namespace,
    agent_status: server.status,
    agent_endpoint: redactText(agent?.spec.endpoint ?? server.url ?? `stdio://${server.name}`),
  }
}
