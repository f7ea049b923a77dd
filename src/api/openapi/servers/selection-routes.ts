import * as z from 'zod'
import { strategies } from '../../../model/balancing/choose.ts'
import { maxQueries } from '../../servers/list/batch-request.ts'
import { maxPicks } from '../../servers/picking/pick-request.ts'
import { ProblemShape } from '../common-schemas.ts'
import type { QueryDoc, RouteDoc } from '../route-doc.ts'
import { ServerListResponse, ServerShape } from './server-schemas.ts'

/** The parameters of `GET /pick` beside the filters of `/servers`. */
const pickParameters: readonly QueryDoc[] = [
  {
    name: 'strategy',
    description:
      '`random` (default); `round_robin`, continued per query by each daemon; `fastest`: the lower response time of two random servers; `least_load`: the lowest `load` in the last heartbeats; `sticky`: the same server for the same `key`.',
    schema: { type: 'string', enum: [...strategies] },
  },
  { name: 'key', description: 'What keeps its server with `sticky`: a session or a user.' },
  { name: 'zone', description: 'Zone of the caller: servers of the same zone come first.' },
  { name: 'region', description: 'Region of the caller: after its zone, servers of the same region come first.' },
  {
    name: 'n',
    description: 'Maximum number of picks. Default 1; fewer where their definitions together exceed 1 MiB.',
    schema: { type: 'integer', minimum: 1, maximum: maxPicks },
  },
]

const Picks = z
  .object({
    picks: z
      .array(
        z.object({
          server: ServerShape,
          reason: z.string().describe('Why it has this place, in words.'),
          zone: z
            .string()
            .optional()
            .describe('From its label `topology.kubernetes.io/zone`, else `zone`; the region likewise.'),
          region: z.string().optional(),
          latency_ms: z.number().optional().describe('Moving average of its probes; with `fastest`.'),
          load: z.number().optional().describe('`metadata.load` of its last heartbeat; with `least_load`.'),
        }),
      )
      .describe('Best first: the first for the call, the others for failing over.'),
    count: z.number(),
    matched: z.number().describe('Servers that match the filters, whatever their status.'),
    strategy: z.enum(strategies),
    resource_version: z.string(),
    syncing: z.array(z.string()).optional().describe('Sources that have not answered yet.'),
  })
  .meta({ id: 'Picks' })

const Parameter = z.union([z.string(), z.number(), z.boolean()])

const Queries = z
  .object({
    queries: z
      .array(z.union([z.string(), z.record(z.string(), z.union([Parameter, z.array(Parameter)]))]))
      .min(1)
      .max(maxQueries)
      .describe('Each a query string of `GET /servers`, or an object of its parameters; a list repeats a parameter.'),
  })
  .meta({ id: 'Queries' })

const QueryResults = z
  .object({
    resource_version: z.string().describe('The one revision of all results.'),
    count: z.number(),
    syncing: z.array(z.string()).optional().describe('Sources that have not answered yet.'),
    results: z
      .array(z.union([ServerListResponse, z.object({ problem: ProblemShape })]))
      .describe('In the order of the queries: the answer of `GET /servers`, or the problem of that query alone.'),
  })
  .meta({ id: 'QueryResults' })

const discoveryRoute: RouteDoc = {
  summary: 'Get the discover result that probes saw, for a client that connects without asking again',
  group: 'servers',
  response: z
    .object({
      kind: z.literal('modern'),
      discover: z.record(z.string(), z.unknown()).describe('The result of `server/discover`.'),
      received_at: z.string(),
      expires_at: z.string().describe('By the `ttlMs` of the result, at most a day after it was received.'),
    })
    .meta({ id: 'PriorDiscovery' }),
  statuses: { 404: 'No such server, or no discover result that is public and fresh; `code` says which.' },
}

const invalidRequest = 'Invalid parameter; `parameter` names it.'

/** The routes that choose among servers, or answer several queries. */
export const selectionRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /pick': {
    summary: 'Pick healthy servers that match, best first, each with the reason of its choice',
    group: 'servers',
    response: Picks,
    query: ['filter', ...pickParameters],
    statuses: {
      400: invalidRequest,
      403: 'The token is bound to other namespaces.',
      404: 'No server matches.',
      503: 'No matching server is healthy; `statuses` and `disabled` count those that match.',
    },
  },
  'GET /servers/:namespace/:name/discover': discoveryRoute,
  'GET /api/v1/servers/:namespace/:name/discover': discoveryRoute,
  'POST /query': {
    summary: 'Answer several queries of servers as of one revision',
    group: 'servers',
    response: QueryResults,
    body: Queries,
    statuses: { 400: invalidRequest, 413: 'The body is too large.' },
  },
}
