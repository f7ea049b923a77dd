import {
  AgentConflict,
  AgentsNotAccepted,
  LeaseLapsed,
  PermissionDenied,
  ParameterProblem,
  QuotaExceeded,
  RegistrationProblem,
  UnknownAgent,
} from '../../agents/errors.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { NotLoadedYet } from '../../registrations/registrations.ts'
import { StoreRefusal, StoreUnavailable } from '../../stores/store.ts'
import { Problem } from '../http/problem.ts'

/** The problem code by what the principal lacks. */
const refusals = { role: 'role_required', namespace: 'namespace_forbidden', owner: 'agent_not_owned' } as const

/** The problem for an error of the mesh; any other error unchanged. */
export function meshProblem(error: unknown, mesh: Pick<MeshOperations, 'current'>): unknown {
  if (error instanceof RegistrationProblem)
    return new Problem('invalid_registration', error.message, { more: { field: error.field } })
  if (error instanceof ParameterProblem)
    return new Problem('invalid_parameter', error.message, { more: { parameter: error.parameter } })
  if (error instanceof UnknownAgent) return new Problem('agent_not_found', error.message)
  if (error instanceof LeaseLapsed) return new Problem('agent_expired', error.message)
  if (error instanceof AgentsNotAccepted) return new Problem('agents_not_accepted', error.message)
  if (error instanceof PermissionDenied)
    return new Problem(refusals[error.reason], error.message, { more: { role_needed: error.role_needed } })
  if (error instanceof AgentConflict) return conflict(error, mesh)
  if (error instanceof QuotaExceeded)
    return new Problem('agent_limit_reached', error.message, { headers: { 'retry-after': '60' } })
  if (error instanceof NotLoadedYet)
    return retryLater('not_ready', `Not ready yet: ${error.message}.`, error.retry_after)
  if (error instanceof StoreUnavailable)
    return retryLater(
      'store_unavailable',
      'Store unavailable: the database does not answer; nothing changed.',
      error.retry_after,
    )
  if (error instanceof StoreRefusal)
    return retryLater(
      'store_unavailable',
      'Store unavailable; nothing changed. The log of the daemon has the cause.',
      30,
    )
  return error
}

function conflict(error: AgentConflict, mesh: Pick<MeshOperations, 'current'>): Problem {
  const current = mesh.current(error)
  const code = error.reason === 'instance' ? 'agent_held' : 'resource_version_stale'
  if (!current) return new Problem(code, error.message)
  const { resource_version } = current
  return new Problem(code, error.message, { more: { resource_version, current } })
}

function retryLater(code: 'not_ready' | 'store_unavailable', detail: string, seconds: number): Problem {
  return new Problem(code, detail, { headers: { 'retry-after': String(Math.ceil(seconds)) } })
}
