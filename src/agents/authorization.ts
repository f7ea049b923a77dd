import type { Agent } from './agent.ts'

/** Who asks, as far as agents are concerned. */
export type Caller = {
  readonly name: string
  readonly role: 'none' | 'reader' | 'registrar' | 'admin'
  /** Bound to these namespaces; absent: all. */
  readonly namespaces?: readonly string[] | undefined
  /** How many agents it may hold at once; absent: as many as there may be. */
  readonly most_agents?: number | undefined
}

/** The caller may not do this; says what would be needed. */
export class NotAllowed extends Error {
  override name = 'NotAllowed'
  readonly role_needed: 'registrar' | 'admin'

  constructor(message: string, role_needed: 'registrar' | 'admin') {
    super(message)
    this.role_needed = role_needed
  }
}

/** Whoever came without a token: what they hold, the first to come with one may take over. */
const nobody = 'anonymous'

/** Throws where the caller may register no agents at all, or none in this namespace. */
export function assertMayRegister({ role, namespaces }: Caller, namespace?: string): void {
  if (role !== 'registrar' && role !== 'admin')
    throw new NotAllowed('This needs the role "registrar": send a bearer token that has it.', 'registrar')
  if (namespace === undefined || !namespaces || namespaces.includes(namespace)) return
  throw new NotAllowed(`This token is bound to other namespaces than "${namespace}".`, 'registrar')
}

/** Throws where an agent is not the caller's to touch. */
export function assertOwner(caller: Caller, { id, held, definition }: Agent): void {
  assertMayRegister(caller, definition.namespace)
  const { holder } = held
  if (caller.role === 'admin' || holder === undefined || holder === caller.name || holder === nobody) return
  throw new NotAllowed(
    `Agent ${id} was registered with another token; only that one, or one with the role "admin", may touch it.`,
    'admin',
  )
}

/** Who holds what the caller registers: an admin tends the agents of others without taking them over. */
export function holderOf({ name, role }: Caller, known: Agent | undefined): string | undefined {
  if (known && (role === 'admin' || name === nobody)) return undefined
  return name
}
