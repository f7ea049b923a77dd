import {
  anonymousName,
  forbiddenNamespaceMessage,
  includesRole,
  mayUseNamespace,
  missingRoleMessage,
  type Principal,
} from '../model/principal.ts'
import type { Agent, AgentRequest } from './agent.ts'
import { AgentConflict, PermissionDenied } from './errors.ts'
import { isLapsed } from './leases/lease.ts'

/** Throws where the principal may not register agents, or not in this namespace. */
export function assertMayRegister(principal: Principal, namespace?: string): void {
  if (!includesRole(principal.role, 'registrar'))
    throw new PermissionDenied(missingRoleMessage('registrar'), 'registrar', 'role')
  if (namespace === undefined || mayUseNamespace(principal, namespace)) return
  throw new PermissionDenied(forbiddenNamespaceMessage(namespace), 'registrar', 'namespace')
}

/** Throws where the principal may not change an agent. Any registrar may change the agents of anonymous principals. */
export function assertOwner(principal: Principal, { id, ownership, definition }: Agent): void {
  assertMayRegister(principal, definition.namespace)
  const { holder } = ownership
  if (principal.role === 'admin' || holder === undefined || holder === principal.name || holder === anonymousName)
    return
  throw new PermissionDenied(
    `Agent ${id} was registered with another token: send that token, or one with the role "admin".`,
    'admin',
    'owner',
  )
}

/** The same id means the same instance, unless both name their instances and these differ. */
export function assertSameInstance(
  current: Agent,
  { id, instance_id, takeover }: Pick<AgentRequest, 'id' | 'instance_id' | 'takeover'>,
): void {
  const holding = current.ownership.instance_id
  if (!holding || !instance_id || holding === instance_id || takeover) return
  if (isLapsed(current.lease)) return
  throw new AgentConflict(
    `Another instance holds agent ${id} and its lease has not expired; stop that instance, or send "takeover": true.`,
    current,
  )
}

/** The holder after a registration; undefined to keep the present one: an admin changes agents without owning them. */
export function newHolderOf({ name, role }: Principal, current: Agent | undefined): string | undefined {
  if (current && (role === 'admin' || name === anonymousName)) return undefined
  return name
}
