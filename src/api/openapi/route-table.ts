import * as z from 'zod'
import { statisticsRoutes } from '../servers/statistics/statistics-docs.ts'
import { EventListing, eventParameters } from './event-docs.ts'
import { meshRoutes } from './mesh-routes.ts'
import type { RouteDoc } from './route-doc.ts'
import * as schemas from './schemas.ts'
import { selectionRoutes } from './selection-routes.ts'

const unknownServer = { 404: 'No such server.' }
const unknownSource = { 404: 'No such source.', 502: 'Reading the source failed; `detail` has the cause.' }
const queryStatuses = { 304: 'Not modified since the given ETag.', 400: 'Invalid parameter; `parameter` names it.' }

const replaced: RouteDoc = {
  summary: 'Create or replace a manual server',
  group: 'servers',
  response: schemas.WrittenServer,
  query: ['dry_run'],
  body: schemas.Definition,
  sameResponse: { 201: 'Created; `Location` has its path.' },
  statuses: {
    400: 'Invalid definition; `errors` names each field.',
    409: 'Owned by another source, or `If-Match` or `resource_version` is stale; `current` is the current server.',
    503: 'Store unavailable; retry after `Retry-After`.',
  },
  role: 'admin',
}
const patched: RouteDoc = {
  ...replaced,
  summary: 'Change fields of a manual server by a JSON merge patch',
  sameResponse: {},
  statuses: { ...replaced.statuses, 404: unknownServer[404], 415: 'Unsupported kind of patch.' },
}
const deleted: RouteDoc = {
  summary: 'Delete a manual server',
  group: 'servers',
  response: schemas.DryRun,
  query: ['dry_run'],
  role: 'admin',
  statuses: {
    204: 'Deleted.',
    404: unknownServer[404],
    409: 'Owned by another source, or `If-Match` is stale.',
  },
}
const storeStatuses = { 503: 'Store unavailable; retry after `Retry-After`.' }
const overrideSet: RouteDoc = {
  summary: 'Enable or disable a server of any source, above what the source says',
  group: 'servers',
  response: z.union([schemas.OverrideSet, schemas.OverrideDryRun]),
  query: ['dry_run'],
  body: schemas.OverrideBody,
  statuses: { 400: 'Invalid body.', 404: unknownServer[404], 429: 'There are 1,000 overrides.', ...storeStatuses },
  role: 'admin',
}
const overrideRemoved: RouteDoc = {
  summary: 'Remove the override of a server: its source says whether it is enabled',
  group: 'servers',
  response: schemas.OverrideDryRun,
  query: ['dry_run'],
  statuses: { 204: 'Removed.', 404: 'No such server, or it has no override.', ...storeStatuses },
  role: 'admin',
}
const overrideList: RouteDoc = {
  summary: 'List the overrides of servers',
  group: 'servers',
  response: schemas.OverrideList,
  statuses: storeStatuses,
}
/** The one route of POST below `/servers`. */
const postRoute = 'POST /servers/:server{(?:preview|import|[^/]+(?:/[^/]+)?/(?:probe|check)|[^/]+/[^/]+/tools/[^/]+)}'
const probed: RouteDoc = {
  summary: 'Probe a server now and return the outcome',
  group: 'servers',
  response: schemas.ProbeResponse,
  statuses: unknownServer,
  role: 'admin',
  routedBy: postRoute,
}
const probedByAlias: RouteDoc = { ...probed, summary: 'Probe a server now; alias of `/probe`', deprecated: true }

const servers: Record<string, RouteDoc> = {
  'GET /servers': {
    summary: 'List servers',
    group: 'servers',
    response: schemas.ServerListResponse,
    query: 'list',
    statuses: { ...queryStatuses, 410: 'The index of a long poll cannot be resumed.' },
  },
  'GET /servers/watch': {
    summary: 'Watch servers as server-sent events: every server, then each change',
    group: 'servers',
    response: 'text/event-stream',
    query: 'watch',
    statuses: { 400: queryStatuses[400] },
    routedBy: 'GET /servers/:name',
  },
  'GET /servers/:name': {
    summary: 'Get a server of the namespace "default"',
    group: 'servers',
    response: schemas.ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'GET /servers/:namespace/:name': {
    summary: 'Get a server with its shadows and health history',
    group: 'servers',
    response: schemas.ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'POST /servers': { ...replaced, summary: 'Create a manual server', body: schemas.NamedDefinition },
  'POST /servers/preview': {
    summary: 'Say which entries of a pasted document could be written by hand, and why the others could not',
    group: 'servers',
    response: schemas.DocumentPreview,
    query: [
      {
        name: 'probe',
        description:
          '`true`: also probe the first ten URLs, with the headers of the document and no others. Never a command.',
        schema: { type: 'boolean' },
      },
    ],
    body: schemas.Document,
    routedBy: postRoute,
    statuses: {
      400: 'The document cannot be read; `detail` says why and where.',
      429: 'Too many probes of unlisted servers; retry after `Retry-After`.',
      ...storeStatuses,
    },
    role: 'admin',
  },
  'POST /servers/import': {
    summary: 'Write servers of a document by hand, each for itself',
    group: 'servers',
    response: z.union([schemas.DocumentImport, schemas.DocumentPreview]),
    query: ['dry_run'],
    body: schemas.DocumentImportBody,
    routedBy: postRoute,
    statuses: { 400: 'Invalid body, or a document that cannot be read.', ...storeStatuses },
    role: 'admin',
  },
  'PUT /servers/:name': replaced,
  'PUT /servers/:namespace/:name': replaced,
  'PATCH /servers/:name': patched,
  'PATCH /servers/:namespace/:name': patched,
  'DELETE /servers/:name': deleted,
  'DELETE /servers/:namespace/:name': deleted,
  'PUT /servers/:namespace/:name/override': overrideSet,
  'DELETE /servers/:namespace/:name/override': overrideRemoved,
  'POST /servers/:name/probe': probed,
  'POST /servers/:namespace/:name/probe': probed,
  'POST /servers/:namespace/:name/tools/:tool': {
    summary: 'Call a tool of a server through the daemon',
    group: 'servers',
    response: schemas.ToolCallOutcome,
    body: schemas.ToolCall,
    isBodyOptional: true,
    statuses: {
      400: 'Invalid arguments, or a server that clients start themselves.',
      403: 'Calls are off (`calls.enabled`), the right is missing, or the address may not be called.',
      404: 'No such server, or it has no such tool.',
      413: 'Body too large.',
      415: 'The body is not JSON.',
      429: 'Too many calls of this token.',
      502: 'The server fails, or answers too much or too deep.',
      503: 'It is disabled, or too many calls are in flight.',
      504: 'No answer within `X-Mesh-Timeout` or `calls.timeout`.',
    },
    right: 'call',
    routedBy: postRoute,
  },
  'POST /servers/:name/check': probedByAlias,
  'POST /servers/:namespace/:name/check': probedByAlias,
}

const notReady = { 503: 'Sources not read since the start; retry after `Retry-After`.' }
const unknownVersion = { 404: 'No such server, or no such version.' }

/** The read API of the official registry. */
const published: Record<string, RouteDoc> = {
  'GET /v0.1/servers': {
    summary: 'List enabled servers in the form of the official MCP registry',
    group: 'clients',
    response: schemas.PublishedList,
    query: ['cursor', 'published_limit', 'search', 'updated_since', 'version', 'include_deleted'],
    statuses: { ...queryStatuses, ...notReady },
  },
  'GET /v0.1/servers/:name': {
    summary: 'Get a server in the form of the official MCP registry',
    group: 'clients',
    response: schemas.PublishedServer,
    statuses: { ...unknownVersion, ...notReady },
  },
  'GET /v0.1/servers/:name/versions': {
    summary: 'List the versions of a server, which has one',
    group: 'clients',
    response: schemas.PublishedList,
    statuses: { ...unknownVersion, ...notReady },
  },
  'GET /v0.1/servers/:name/versions/:version': {
    summary: 'Get a version of a server; `latest` is its only one',
    group: 'clients',
    response: schemas.PublishedServer,
    statuses: { ...unknownVersion, ...notReady },
  },
}

const operation = (summary: string, response: RouteDoc['response']): RouteDoc => ({
  summary,
  group: 'operations',
  response,
})
const health = operation('Liveness: 200 while the daemon serves; "degraded" while a source fails', schemas.DaemonHealth)
const readiness: RouteDoc = {
  ...operation('Readiness: 200 once every source has answered or timed out', schemas.Readiness),
  sameResponse: { 503: 'Not ready; `syncing` names the sources that have not answered.' },
}

const events: RouteDoc = {
  summary: 'List what happened to servers, agents and sources, the newest first, or follow it',
  group: 'operations',
  response: EventListing,
  query: eventParameters,
  statuses: {
    400: queryStatuses[400],
    403: 'The token is bound to other namespaces.',
    404: 'Events are disabled.',
    410: '`after` is of another database.',
    503: 'Store unavailable; retry after `Retry-After`.',
  },
}

/** Every route, by method and path. A test compares it with the routes of the application. */
export const routes: Readonly<Record<string, RouteDoc>> = {
  ...servers,
  ...Object.fromEntries(Object.entries(servers).map(([key, doc]) => [key.replace(' ', ' /api/v1'), doc])),
  ...meshRoutes,
  ...selectionRoutes,
  ...statisticsRoutes,
  'GET /discover': {
    summary: 'Get enabled servers as a map, or as a client configuration',
    group: 'clients',
    response: schemas.Discoverable,
    query: ['filter', 'format', 'secrets'],
    statuses: { ...queryStatuses, ...notReady },
  },
  'POST /mcp': {
    summary: 'The registry as an MCP server: stateless Streamable HTTP, every current revision',
    group: 'clients',
    response: schemas.Anything,
    body: schemas.Message,
    errorType: 'application/json',
    statuses: {
      202: 'Notification accepted.',
      400: 'Not a JSON-RPC message.',
      406: '`Accept` lacks `application/json` or `text/event-stream`.',
      415: 'The body is not JSON.',
    },
  },
  'POST /discover': {
    summary: 'Read every source now',
    group: 'sources',
    response: schemas.DiscoverOutcome,
    role: 'admin',
  },
  'GET /sources': { summary: 'List sources with their state', group: 'sources', response: schemas.SourceList },
  'GET /sources/:name': {
    summary: 'Get a source with its state',
    group: 'sources',
    response: schemas.SourceShape,
    statuses: { 404: unknownSource[404] },
  },
  'POST /sources/:name/refresh': {
    summary: 'Read a source now and return its changes',
    group: 'sources',
    response: schemas.RefreshResult,
    statuses: unknownSource,
    role: 'admin',
  },
  ...published,
  ...Object.fromEntries(Object.entries(published).map(([key, doc]) => [key.replace('/v0.1/', '/v0/'), doc])),
  'GET /.well-known/ai-catalog.json': {
    summary: 'Get enabled servers as an AI catalogue',
    group: 'clients',
    response: 'application/ai-catalog+json',
    statuses: notReady,
  },
  'GET /sd/prometheus': {
    summary: 'Get enabled servers as Prometheus targets (http_sd)',
    group: 'clients',
    response: schemas.Targets,
    query: 'filter',
    statuses: { ...queryStatuses, ...notReady },
  },
  'POST /sources/:name/release': {
    summary: 'Release a source: accept the mass expiry of leases, or a sudden shrink',
    group: 'sources',
    response: schemas.Anything,
    query: ['dry_run'],
    statuses: { 404: unknownSource[404] },
    role: 'admin',
  },
  'GET /overrides': overrideList,
  'GET /api/v1/overrides': overrideList,
  'GET /events': events,
  'GET /api/v1/events': events,
  'GET /tags': { summary: 'Count servers by tag', group: 'servers', response: schemas.Tags },
  'GET /': operation('Name, version and routes of the daemon', schemas.ServiceInfo),
  'GET /health': health,
  'GET /healthz': health,
  'GET /-/healthy': health,
  'GET /ready': readiness,
  'GET /readyz': readiness,
  'GET /-/ready': readiness,
  'GET /metrics': operation('Metrics as Prometheus text', 'text/plain'),
  'GET /metrics/prometheus': operation('Metrics as Prometheus text', 'text/plain'),
  'GET /openapi.json': operation('This document', 'application/json'),
  'GET /config': {
    ...operation('The config in force, without secrets, and where each value comes from', schemas.ConfigInForce),
    role: 'admin',
  },
  'GET /me': operation('What the token of the caller may do', schemas.CallerRights),
  'GET /ui': {
    ...operation('The dashboard: a page for people', 'text/html'),
    routedBy: 'GET /ui/*',
    statuses: { 404: 'It is disabled, or has no such file.', 503: 'It is not built; the problem names the command.' },
  },
  'GET /docs': operation('This document as a page', 'text/html'),
  'POST /-/reload': {
    ...operation('Reload the config', z.union([schemas.ReloadOutcome, schemas.ReloadDryRun])),
    query: ['dry_run'],
    statuses: { 422: 'Invalid config; the config in force stays.' },
    role: 'admin',
  },
  'POST /-/trust-probes': {
    ...operation('Trust the probes again: end self-preservation of health', schemas.Anything),
    query: ['dry_run'],
    role: 'admin',
  },
}

/** The summary of each route; a route with several paths is listed by its first. */
export function endpoints(): Record<string, string> {
  const firstKeys = new Map<RouteDoc, string>()
  for (const [key, doc] of Object.entries(routes)) if (!firstKeys.has(doc)) firstKeys.set(doc, key)
  return Object.fromEntries([...firstKeys].map(([{ summary }, key]) => [key.replaceAll(/:(\w+)/g, '{$1}'), summary]))
}
