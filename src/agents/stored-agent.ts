import type { WriteCondition, StoreOperation } from '../stores/store.ts'
import type { Agent, AgentRequest } from './agent.ts'
import { withSharedParts } from './parsing/shared-parts.ts'
import { offeredCapabilities } from './parsing/tools.ts'

type Put = Extract<StoreOperation, { type: 'put' }>
type Delete = Extract<StoreOperation, { type: 'delete' }>

/** The part of an agent that the store holds as JSON. */
export type StoredAgent = Pick<Agent, 'definition' | 'spec'>

/** The stored JSON calls the spec `facts`: its name in the first version of the database. */
type StoredJson = { readonly definition: StoredAgent['definition']; readonly facts: StoredAgent['spec'] }

export function parseStoredAgent(json: string): StoredAgent {
  const { definition, facts } = JSON.parse(json) as StoredJson
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

/** The store operation that writes an agent. */
export function toPutOperation(
  { id, definition, spec, instance_id, expectedVersion }: AgentRequest,
  holder: string | undefined,
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
    expect: versionOrAny(expectedVersion),
  }
}

/** The store operation that removes an agent of the expected version. */
export function toDeleteOperation({ id, definition }: Agent, expectedVersion: string | undefined): Delete {
  const expect = versionOrAny(expectedVersion)
  return { type: 'delete', kind: 'agent', namespace: definition.namespace, name: id, expect }
}

/**
 * The state that the store must have for a registration to be written.
 *
 * A new agent needs an unused id. If the request names a version nevertheless, the precondition never holds: the
 * resulting conflict returns the stored agent, and its owner is checked before anything is written.
 */
export function precondition(current: Agent | undefined, { expectedVersion }: AgentRequest): WriteCondition {
  if (current) return versionOrAny(expectedVersion)
  return expectedVersion === undefined ? 'none' : neverStored
}

const neverStored = { version: '0' } as const

function versionOrAny(version: string | undefined): 'any' | { version: string } {
  return version === undefined ? 'any' : { version }
}
