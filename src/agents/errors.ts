import type { Agent } from './agent.ts'

const maxQuotedLength = 253

/** A text of a client as an error quotes it: no valid id is longer. */
function quotable(text: string): string {
  return text.length <= maxQuotedLength ? text : `${text.slice(0, maxQuotedLength)}…`
}

/** No agent with this id is registered. */
export class UnknownAgent extends Error {
  override name = 'UnknownAgent'

  constructor(id: string) {
    super(`Agent ${quotable(id)} not found`)
  }
}

/** The agent was silent for too long: a heartbeat without a body does not revive it. */
export class LeaseLapsed extends Error {
  override name = 'LeaseLapsed'

  constructor(id: string) {
    super(`The lease of agent ${quotable(id)} has lapsed: register again`)
  }
}

/** The config has no source of type `agents`, so a registered agent would appear nowhere. */
export class AgentsNotAccepted extends Error {
  override name = 'AgentsNotAccepted'

  constructor() {
    super('This registry accepts no agents: its config has no source of type "agents".')
  }
}

/** The registration or heartbeat is invalid. `field` names the part. */
export class RegistrationProblem extends Error {
  override name = 'RegistrationProblem'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** A query parameter of the mesh is invalid. */
export class ParameterProblem extends Error {
  override name = 'ParameterProblem'
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(message)
    this.parameter = parameter
  }
}

/** The principal lacks the right; the message names the right that it needs. */
export class PermissionDenied extends Error {
  override name = 'PermissionDenied'
  readonly role_needed: 'registrar' | 'admin'
  /** The property of the principal that is insufficient. */
  readonly reason: 'role' | 'namespace' | 'owner'

  constructor(message: string, role_needed: 'registrar' | 'admin', reason: 'role' | 'namespace' | 'owner') {
    super(message)
    this.role_needed = role_needed
    this.reason = reason
  }
}

/** Another instance holds the id, or the stored version differs from the expected one. */
export class AgentConflict extends Error {
  override name = 'AgentConflict'
  readonly current: Agent | undefined
  readonly reason: 'version' | 'instance'

  constructor(message: string, current: Agent | undefined, reason: 'version' | 'instance' = 'version') {
    super(message)
    this.current = current
    this.reason = reason
  }
}

/** The conflict of a write that expects another version of an agent than the stored one. */
export function staleVersion(
  id: string,
  expectedVersion: string | undefined,
  current: Agent | undefined,
): AgentConflict {
  const message = `resource_version ${expectedVersion} of agent ${id} is stale; read the agent again and retry.`
  return new AgentConflict(message, current)
}

/** The limit on registered agents is reached: the registry's, or the token's. */
export class QuotaExceeded extends Error {
  override name = 'QuotaExceeded'
}
