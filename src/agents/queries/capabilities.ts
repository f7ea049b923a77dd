import type { Capability } from '../../model/capability.ts'
import { matchesFuzzily } from '../../model/query/fuzzy.ts'
import { matchingFacets, type NameTest } from '../../model/query/matching.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import { isAgent } from '../mesh-registry.ts'
import type { CapabilityQuery } from './query-parameters.ts'
import { capabilityView } from './views.ts'

/** One server, and those of its capabilities that were asked for. */
export type CapabilityMatch = { readonly server: Server; readonly capabilities: readonly Capability[] }

/** Which capabilities of these servers, declared and introspected, are asked for. */
export function findCapabilities(asked: CapabilityQuery, of: readonly Server[]): readonly CapabilityMatch[] {
  const suits = capabilityFilter(asked)
  return of.flatMap((server) => {
    const capabilities = server.capabilities.filter(suits)
    return capabilities.length > 0 ? [{ server, capabilities }] : []
  })
}

/** Whether one capability is what is asked for, whoever has it. */
export function capabilityFilter(asked: CapabilityQuery): (capability: Capability) => boolean {
  const { query, description_contains, include_deprecated } = asked
  const isNamed = nameMatcher(asked)
  const facets = matchingFacets(query)
  return (capability) =>
    (include_deprecated || capability.stability !== 'deprecated') &&
    (!isNamed || isNamed(capability.name)) &&
    (!facets || facets(capability)) &&
    // As in the original: what has no description is not ruled out by its words.
    (description_contains === undefined ||
      (capability.description ?? description_contains).toLowerCase().includes(description_contains))
}

/** Whether a capability is called as `/capabilities` was asked: it ignores case, and takes a part for the whole. */
export function nameMatcher({ name, match }: CapabilityQuery): NameTest {
  if (name === undefined) return undefined
  const asked = name.toLowerCase()
  if (match === 'fuzzy') return (one) => matchesFuzzily(one, asked)
  if (match === 'exact') return (one) => one.toLowerCase() === asked
  return (one) => one.toLowerCase().includes(asked)
}

/** A capability as `/capabilities` shows it, with whose it is. */
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
