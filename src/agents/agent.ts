import { serverId } from '../model/names.ts'
import type { ServerDefinition } from '../model/server.ts'
import type { Reading, StoredVersion } from '../model/source.ts'
import type { Precondition, StoredLease, StoreOperation } from '../stores/store.ts'
import type { AgentSpec } from './agent-spec.ts'
import { type LeaseTerms, reportOf } from './leases/lease.ts'
import type { Lease } from './leases/leases.ts'
import type { AgentRequest } from './parsing/registration.ts'

/** One registered agent. Immutable but for its lease; what moves with every beat is in `sent` and the lease. */
export type Agent = {
  readonly id: string
  readonly definition: ServerDefinition
  readonly spec: AgentSpec
  readonly stored: StoredVersion
  readonly storedLease: StoredLease
  readonly lease: Lease
  /** A heartbeat brought another config than the one that is stored. */
  readonly hasUnstoredConfig?: true
}

/** How long an agent may be silent, as its lease counts it. */
export function termsOf({ timeout_threshold, eviction_threshold }: AgentSpec): LeaseTerms {
  return { timeout: timeout_threshold * 1000, eviction: eviction_threshold * 1000 }
}

/** How an agent stands in the store. */
export function toPutOperation(
  { id, definition, spec, instance_id, expectedVersion: expected }: AgentRequest,
  holder: string | undefined,
): Extract<StoreOperation, { type: 'put' }> {
  return {
    type: 'put',
    kind: 'agent',
    namespace: definition.namespace,
    name: id,
    definition: JSON.stringify({ definition, facts: spec }),
    lease: {
      timeout: spec.timeout_threshold,
      eviction: spec.eviction_threshold,
      ...(instance_id !== undefined && { instance_id }),
      ...(holder !== undefined && { holder }),
    },
    expect: expectedBy({ expectedVersion: expected }),
  }
}

/** Which version of an agent a request means to change. */
function expectedBy({ expectedVersion: expected }: Pick<AgentRequest, 'expectedVersion'>): 'any' | { version: string } {
  return expected === undefined ? 'any' : { version: expected }
}

/**
 * What must be there for a request to be stored as it was judged. Where nobody is known, nobody may be there; and whoever
 * asks for a version then must first be told who has it, for nothing has that of `unheard`.
 */
export function precondition(known: Agent | undefined, request: AgentRequest): Precondition {
  if (known) return expectedBy(request)
  return request.expectedVersion === undefined ? 'none' : unheard
}

const unheard = { version: '0' } as const

/** What whoever asked for a version is told that is not there any more. */
export function staleVersion({ id, expectedVersion: expected }: AgentRequest): string {
  return `Agent ${id} is not of version ${expected} any more; read it again and repeat the change on what you find`
}

/** How an agent is told to the registry. */
export function readingOf({ id, definition, stored, lease }: Agent): Reading {
  return { origin: id, entries: [{ definition, stored, reported: reportOf(lease.status) }] }
}

/** How the registry calls the server of an agent. */
export function serverIdOf({ id, definition }: Pick<Agent, 'id' | 'definition'>): string {
  return serverId(definition.namespace, id)
}
