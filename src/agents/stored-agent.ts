import { jsonEqual, reuseEqualParts } from '../model/data/json-equal.ts'
import { redactData, redactServer } from '../model/redaction/redact-server.ts'
import type { Fence } from '../stores/member.ts'
import type { StoreOperation } from '../stores/store.ts'
import type { Agent, AgentRequest } from './agent.ts'
import { withSharedDefinitionParts, withSharedParts } from './parsing/shared-parts.ts'
import { offeredCapabilities } from './parsing/tools.ts'

type Put = Extract<StoreOperation, { type: 'put' }>
type Delete = Extract<StoreOperation, { type: 'delete' }>
type Retire = Extract<StoreOperation, { type: 'retire' }>
type Confirm = Extract<StoreOperation, { type: 'confirm' }>

/** The part of an agent that the store holds as JSON. */
export type StoredAgent = Pick<Agent, 'definition' | 'spec'>

/** The stored JSON calls the spec `facts`: its name in the first version of the database. */
type StoredJson = { readonly definition: StoredAgent['definition']; readonly facts: StoredAgent['spec'] }

export function parseStoredAgent(json: string): StoredAgent {
  const { definition: stored, facts } = JSON.parse(json) as StoredJson
  const definition = withSharedDefinitionParts(stored)
  const spec = withSharedParts(facts)
  return {
    definition: spec.tools ? { ...definition, capabilities: offeredCapabilities(spec.tools) } : definition,
    spec,
  }
}

/** The JSON of an agent. The schemas of tools are stored once, with the tools; capabilities get them again when read. */
function toJson({ definition, spec }: StoredAgent): string {
  const stored: StoredJson = { definition, facts: spec }
  if (!spec.tools) return JSON.stringify(stored)
  const capabilities = definition.capabilities.map(({ input_schema: _schema, ...capability }) => capability)
  return JSON.stringify({ ...stored, definition: { ...definition, capabilities } } satisfies StoredJson)
}

/** Redacts what readers are shown of an agent: the work falls on its registration, not on the next reader. */
export function redactAhead({ definition, spec }: StoredAgent): void {
  redactServer(definition)
  redactData(spec.config)
}

/** The store operation that writes an agent. */
export function toPutOperation(
  { id, definition, spec, instance_id }: Pick<AgentRequest, 'id' | 'definition' | 'spec' | 'instance_id'>,
  holder: string | undefined,
  expect: Put['expect'] = 'any',
): Put {
  return {
    type: 'put',
    kind: 'agent',
    namespace: definition.namespace,
    name: id,
    definition: toJson({ definition, spec }),
    lease: {
      timeout: spec.timeout_threshold,
      eviction: spec.eviction_threshold,
      ...(instance_id !== undefined && { instance_id }),
      ...(holder !== undefined && { holder }),
    },
    expect,
  }
}

/** The store operation that removes an agent as this daemon knows it. */
export function toDeleteOperation({ id, definition, stored }: Agent): Delete {
  const { namespace } = definition
  return { type: 'delete', kind: 'agent', namespace, name: id, expect: { version: stored.resource_version } }
}

/** The store operation by which a member retires an agent after `silentMs` without a heartbeat. */
export function toRetireOperation(agent: Agent, silentMs: number, fence: Fence): Retire {
  const { type: _, expect: __, ...key } = toDeleteOperation(agent)
  return { ...key, type: 'retire', expect: { version: agent.stored.resource_version }, silent_ms: silentMs, fence }
}

/** The store operation that asks whether an agent is stored as this daemon knows it, or not stored where it knows none. */
export function toConfirmOperation(id: string, known: Agent | undefined): Confirm {
  const namespace = known?.definition.namespace ?? 'default'
  return { type: 'confirm', kind: 'agent', namespace, name: id, expect: conditionOf(known) }
}

/** The state that the store must have for a write that was checked against `known`. */
export function conditionOf(known: Agent | undefined): 'none' | { readonly version: string } {
  return known ? { version: known.stored.resource_version } : 'none'
}

/** Replaces the parts of a request that are equal to the known agent's with those, so that `===` compares them. */
export function reuseKnownParts({ definition, spec }: Agent, request: AgentRequest): AgentRequest {
  return {
    ...request,
    definition: reuseEqualParts(definition, request.definition),
    spec: reuseEqualParts(spec, request.spec),
  }
}

/** Whether a request that reuses the known parts changes nothing that is stored. */
export function isUnchanged(known: Agent, { definition, spec, instance_id, payload }: AgentRequest): boolean {
  if (known.ownership.instance_id !== instance_id || known.definition !== definition) return false
  if (payload?.metadata === undefined) return known.spec === spec && !known.hasUnstoredConfig
  return known.spec === spec || jsonEqual(known.spec, { ...spec, config: known.spec.config })
}
