import {
  AgentConflict,
  NoAgentsHere,
  NotAllowed,
  ParameterProblem,
  QuotaExceeded,
  RegistrationProblem,
  UnknownAgent,
} from '../../agents/errors.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { agentView } from '../../agents/queries/views.ts'
import { NotLoadedYet } from '../../registrations/registrations.ts'
import { StoreRefused, StoreUnavailable } from '../../stores/store.ts'
import { Problem } from '../http/problem.ts'

/** What the mesh refuses, as whoever asked over HTTP is told; anything else as it came. */
export function meshProblem(error: unknown, mesh: Pick<MeshOperations, 'current'>): unknown {
  if (error instanceof RegistrationProblem) return new Problem(400, error.message, { more: { field: error.field } })
  if (error instanceof ParameterProblem)
    return new Problem(400, error.message, { more: { parameter: error.parameter } })
  if (error instanceof UnknownAgent || error instanceof NoAgentsHere) return new Problem(404, error.message)
  if (error instanceof NotAllowed) return new Problem(403, error.message, { more: { role_needed: error.role_needed } })
  if (error instanceof AgentConflict) return conflict(error, mesh)
  if (error instanceof QuotaExceeded) return new Problem(429, error.message, { headers: { 'retry-after': '60' } })
  if (error instanceof NotLoadedYet) return later(`Not ready yet: ${error.message}.`, error.retry_after)
  if (error instanceof StoreUnavailable)
    return later('Nothing can be stored now: the database does not answer. It is tried again.', error.retry_after)
  if (error instanceof StoreRefused) return later('Nothing can be stored now; the log of the daemon says why.', 30)
  return error
}

function conflict(error: AgentConflict, mesh: Pick<MeshOperations, 'current'>): Problem {
  const current = mesh.current(error)
  if (!current) return new Problem(409, error.message)
  const { resource_version } = current.agent.stored
  return new Problem(409, error.message, { more: { resource_version, current: agentView(current) } })
}

function later(detail: string, seconds: number): Problem {
  return new Problem(503, detail, { headers: { 'retry-after': String(Math.ceil(seconds)) } })
}
