import * as z from 'zod'
import { Anything, Message } from '../common-schemas.ts'
import type { RouteDoc } from '../route-doc.ts'

const JobRequest = z.looseObject({}).meta({ id: 'JobRequest', description: 'Not read.' })

const doc = (fields: Omit<RouteDoc, 'group'>): RouteDoc => ({ group: 'agents', ...fields })

const ToolSchemaShape = z
  .object({
    hash: z.string().describe('`sha256:` and 64 hexadecimal digits, as the runtime computed it.'),
    canonical: z.looseObject({}).describe('The schema in the canonical form of the runtimes.'),
    runtime_origin: z.string().describe('Runtime of the first agent that registered it.'),
    created_at: z.string(),
  })
  .meta({ id: 'ToolSchema' })

const SurfaceList = z
  .object({
    surfaces: z.array(
      z.object({
        agent_id: z.string(),
        path: z.string(),
        skill_id: z.string(),
        public_url: z.string().optional().describe('With `publish.a2a_url` only.'),
        agent_card_url: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'SurfaceList' })

const noAgents = { 404: 'Agents not accepted: no configured source has the type `agents`.' }
const notReady = { 503: 'Not ready; retry after `Retry-After`.' }

const jobs = doc({
  summary: 'Not served: this registry keeps no jobs',
  response: Anything,
  statuses: { 501: 'Jobs not served.' },
})
const jobPost: RouteDoc = { ...jobs, body: JobRequest, isBodyOptional: true }
const claim = doc({
  summary: 'Claim a job: answers that there is none, which agents with task tools poll for',
  response: Anything,
  body: JobRequest,
  isBodyOptional: true,
  statuses: { 204: 'No job.' },
  routedBy: 'POST /jobs/:word',
})

/** The routes of the mesh registry that runtimes and command lines read beside `/agents`. */
export const toolingRoutes: Readonly<Record<string, RouteDoc>> = {
  'POST /proxy/:target/:path': doc({
    summary: 'Call a tool of a registered agent: forwards a JSON-RPC message and relays the response',
    response: Anything,
    body: Message,
    statuses: {
      202: 'Notification accepted.',
      400: 'No endpoint has this target or path, or the body is not JSON.',
      404: 'No registered agent has an endpoint at this host and port.',
      413: 'The body is larger than `calls.max_request_bytes`.',
      429: 'Too many calls of this token in flight.',
      502: 'The agent cannot be called, or its response not be relayed.',
      503: 'The agent is neither healthy nor degraded, or too many calls are in flight.',
      504: 'The agent did not answer within `X-Mesh-Timeout` or `calls.timeout`.',
    },
    right: 'call',
    routedBy: 'POST /proxy/*',
  }),
  'GET /schemas': doc({
    summary: 'List the canonical schemas of the registered tools, the newest first',
    response: z.object({ schemas: z.array(ToolSchemaShape), count: z.int() }).meta({ id: 'ToolSchemaList' }),
    query: [
      {
        name: 'limit',
        description: 'Maximum number of schemas, from 1 to 1000.',
        schema: { type: 'integer', default: 100 },
      },
    ],
    statuses: { 400: 'Invalid parameter; `parameter` names it.', ...noAgents, ...notReady },
  }),
  'GET /schemas/:hash': doc({
    summary: 'Get the canonical schema of a hash',
    response: ToolSchemaShape,
    statuses: { 404: 'No registered tool has this schema.', ...notReady },
  }),
  'GET /a2a/agents': doc({
    summary: 'List the surfaces of A2A agents of any status',
    response: SurfaceList,
    statuses: { ...noAgents, ...notReady },
  }),
  'GET /jobs': jobs,
  'GET /jobs/:id': jobs,
  'GET /jobs/:id/events': jobs,
  'POST /jobs': jobPost,
  'POST /jobs/batch': { ...jobPost, routedBy: 'POST /jobs/:word' },
  'POST /jobs/:id/:action': jobPost,
  'POST /jobs/claim': claim,
}
