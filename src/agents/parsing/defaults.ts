import { ServerDefinition } from '../../model/server.ts'
import type { AgentSpec, LeaseThresholds } from '../agent.ts'
import type { MeshFields } from './mesh-fields.ts'
import { endpointAddress, normalizeName } from './normalize.ts'
import type { RegistrationFields } from './schema.ts'
import { withSharedDefinitionParts } from './shared-parts.ts'

/** Thresholds by agent type, as in the original mesh registry, in seconds. */
const thresholdsByType: ReadonlyMap<string, LeaseThresholds> = new Map([
  ['file-agent', { timeout: 90, eviction: 180 }],
  ['worker', { timeout: 45, eviction: 90 }],
  ['critical', { timeout: 30, eviction: 60 }],
])

/** Heartbeats that an agent which names its interval may miss. */
const maxMissedHeartbeats = 4

/** In seconds; runtimes that register with `tools` send a heartbeat every five. */
const defaultInterval = { withTools: 5, plain: 30 } as const

const noConfig: AgentSpec['config'] = Object.freeze({})

/** The spec of an agent, with a default for each absent field. */
export function specOf(fields: RegistrationFields, defaults: LeaseThresholds, mesh?: MeshFields): AgentSpec {
  const agent_type = fields.agent_type || (mesh ? 'mcp_agent' : 'default')
  const { timeout, eviction } =
    thresholdsByType.get(normalizeName(agent_type)) ?? (mesh && defaults.withTools) ?? defaults
  // An agent that sends heartbeats more rarely is not silent between two of them.
  const timeout_threshold =
    fields.timeout_threshold ?? Math.max(timeout, maxMissedHeartbeats * (fields.heartbeat_interval ?? 0))
  return {
    name: mesh ? fields.name || fields.id : normalizeName(fields.name ?? fields.id),
    endpoint: fields.endpoint || `stdio://${fields.id}`,
    agent_type,
    health_interval:
      fields.health_interval ?? fields.heartbeat_interval ?? (mesh ? defaultInterval.withTools : defaultInterval.plain),
    timeout_threshold,
    eviction_threshold: Math.max(
      timeout_threshold,
      fields.eviction_threshold ?? Math.max(eviction, 2 * timeout_threshold),
    ),
    config: fields.config ?? noConfig,
    security_context: fields.security_context ?? null,
    ...(fields.transport && { transport: fields.transport }),
    ...mesh,
  }
}

/** The server definition of an agent, with a default for each absent field. */
export function definitionOf(fields: RegistrationFields, spec: AgentSpec): ServerDefinition {
  const { id, name = id, namespace, description, version, health_check_url } = fields
  const address = endpointAddress(spec.endpoint)
  return withSharedDefinitionParts({
    ...defaultDefinition(address.type),
    ...address,
    name: id,
    namespace,
    title: name.slice(0, 253),
    ...(description !== undefined && { description }),
    ...(version !== undefined && { version }),
    labels: fields.labels,
    annotations: withOriginalNames(fields, spec),
    tags: fields.tags,
    capabilities: fields.capabilities,
    dependencies: fields.dependencies,
    // The registry never calls an agent that did not ask to be probed.
    health_check: fields.health_check ?? (health_check_url ? 'http' : 'none'),
    ...(health_check_url !== undefined && { health_check_url }),
    metadata: { agent_type: spec.agent_type },
  })
}

/** Definitions of agents without any optional field, each created on first use. */
const defaultDefinitions: { -readonly [Type in 'http' | 'stdio']?: ServerDefinition } = {}

function defaultDefinition(type: 'http' | 'stdio'): ServerDefinition {
  return (defaultDefinitions[type] ??= ServerDefinition.parse({ name: 'agent', type, url: `${type}://agent` }))
}

/** Keeps the original spelling as annotations, of what is normalized and of a type that is no plain word. */
function withOriginalNames(
  { name, agent_type, annotations }: RegistrationFields,
  { name: shownName, tools }: AgentSpec,
): Record<string, string> {
  const isNameChanged = name !== undefined && name !== '' && name !== shownName
  const isTypeOdd = agent_type !== undefined && agent_type !== normalizeName(agent_type)
  if (tools || (!isNameChanged && !isTypeOdd)) return annotations
  return {
    ...annotations,
    ...(isNameChanged && { original_name: name }),
    ...(isTypeOdd && { original_agent_type: agent_type }),
  }
}
