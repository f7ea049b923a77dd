import { anonymousName, includesRole, type Principal } from '../model/principal.ts'
import type { Agent } from './agent.ts'
import { NotAllowed } from './errors.ts'

/** Throws where the principal may register no agents at all, or none in this namespace. */
export function assertMayRegister({ role, namespaces }: Principal, namespace?: string): void {
  if (!includesRole(role, 'registrar'))
    throw new NotAllowed('This needs the role "registrar": send a bearer token that has it.', 'registrar', 'role')
  if (namespace === undefined || !namespaces || namespaces.includes(namespace)) return
  throw new NotAllowed(`This token is bound to other namespaces than "${namespace}".`, 'registrar', 'namespace')
}

/** Throws where an agent is not the principal's to touch. */
export function assertOwner(principal: Principal, { id, storedLease: held, definition }: Agent): void {
  assertMayRegister(principal, definition.namespace)
  const { holder } = held
  if (principal.role === 'admin' || holder === undefined || holder === principal.name || holder === anonymousName)
    return
  throw new NotAllowed(
    `Agent ${id} was registered with another token; only that one, or one with the role "admin", may touch it.`,
    'admin',
    'owner',
  )
}

/** Who holds what the principal registers: an admin tends the agents of others without taking them over. */
export function holderOf({ name, role }: Principal, known: Agent | undefined): string | undefined {
  if (known && (role === 'admin' || name === anonymousName)) return undefined
  return name
}
