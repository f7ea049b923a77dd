import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { publicUrlsOf } from '../../agents/queries/mesh-documents.ts'
import { type Api, type ApiContext, type ApiResponse, createRoutes } from '../http/context.ts'
import { parameterProblem } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { respondJson, respondNoContent } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { meshRoute } from './mesh-request.ts'

const defaultSchemaLimit = 100
const maxSchemaLimit = 1000

/** The routes that the agents' own runtimes and command lines read beside `/agents`: schemas, A2A agents, jobs. */
export function toolingApi({ mesh, publish }: Pick<ApiPorts, 'mesh' | 'publish'>): Api {
  const api = createRoutes()
  api.get('/schemas', meshRoute(mesh, listSchemas(mesh)))
  api.get('/schemas/:hash', meshRoute(mesh, showSchema(mesh)))
  api.get('/a2a/agents', meshRoute(mesh, listSurfaces({ mesh, publish })))
  addJobs(api)
  return api
}

function listSchemas(mesh: Pick<MeshOperations, 'schemas'>) {
  return (c: ApiContext): ApiResponse => {
    const schemas = mesh.schemas().values().take(schemaLimitIn(c)).toArray()
    return respondJson(c, { schemas, count: schemas.length })
  }
}

function showSchema(mesh: Pick<MeshOperations, 'schemas'>) {
  return (c: ApiContext): ApiResponse => {
    const hash = c.req.param('hash') ?? ''
    const schema = mesh.schemas().get(hash)
    if (!schema) throw new Problem('schema_not_found', `Schema ${hash} not found: no registered tool has it.`)
    return respondJson(c, schema)
  }
}

function listSurfaces({ mesh, publish }: Pick<ApiPorts, 'publish'> & { mesh: Pick<MeshOperations, 'surfaces'> }) {
  return (c: ApiContext): ApiResponse => {
    const { a2a_url } = publish()
    const surfaces = mesh.surfaces().map(({ agent_id, surface }) => {
      const { path, skill_id } = surface
      return { agent_id, path, skill_id, ...publicUrlsOf(surface, a2a_url) }
    })
    return respondJson(c, { surfaces })
  }
}

/** As in the original, a limit out of range is brought into it. */
function schemaLimitIn(c: ApiContext): number {
  const text = c.req.query('limit')
  if (text === undefined || text === '') return defaultSchemaLimit
  if (!/^-?\d{1,9}$/.test(text)) throw parameterProblem({ parameter: 'limit', detail: 'limit: must be a whole number' })
  return Math.min(Math.max(Number(text), 1), maxSchemaLimit)
}

/**
 * The routes of jobs, which this registry does not keep.
 *
 * Every published agent with a task tool polls `POST /jobs/claim`, and logs a warning for any answer but "no job": so it
 * gets that one. All other routes answer 501.
 */
function addJobs(api: Api): void {
  for (const path of ['/jobs', '/jobs/:id', '/jobs/:id/events']) api.get(path, rejectJob)
  for (const path of ['/jobs', '/jobs/:id/:action']) api.post(path, rejectJob)
  // One pattern: fixed words beside `/:id/:action` would cost all routes the fast router.
  api.post('/jobs/:word', (c) => (c.req.param('word') === 'claim' ? respondNoContent(c) : rejectJob()))
}

function rejectJob(): never {
  throw new Problem(
    'jobs_not_served',
    'This registry keeps no jobs: a tool with task=True can be called, but not submitted. Submit jobs to the original registry.',
  )
}
