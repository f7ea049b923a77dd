import * as z from 'zod'
import { queryStatuses, storeStatuses, type RouteDoc } from '../route-doc.ts'
import { ProbeResponse, ServerDetail, ServerListResponse, Tags, ToolCall, ToolCallOutcome } from './server-schemas.ts'
import {
  Definition,
  Document,
  DocumentImport,
  DocumentImportBody,
  DocumentPreview,
  DryRun,
  NamedDefinition,
  OverrideBody,
  OverrideDryRun,
  OverrideList,
  OverrideSet,
  WrittenServer,
} from './write-schemas.ts'

const unknownServer = { 404: 'No such server.' }

const replaced: RouteDoc = {
  summary: 'Create or replace a manual server',
  group: 'servers',
  response: WrittenServer,
  query: ['dry_run'],
  body: Definition,
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
  response: DryRun,
  query: ['dry_run'],
  role: 'admin',
  statuses: {
    204: 'Deleted.',
    404: unknownServer[404],
    409: 'Owned by another source, or `If-Match` is stale.',
  },
}
const overrideSet: RouteDoc = {
  summary: 'Enable or disable a server of any source, above what the source says',
  group: 'servers',
  response: z.union([OverrideSet, OverrideDryRun]),
  query: ['dry_run'],
  body: OverrideBody,
  statuses: { 400: 'Invalid body.', 404: unknownServer[404], 429: 'There are 1,000 overrides.', ...storeStatuses },
  role: 'admin',
}
const overrideRemoved: RouteDoc = {
  summary: 'Remove the override of a server: its source says whether it is enabled',
  group: 'servers',
  response: OverrideDryRun,
  query: ['dry_run'],
  statuses: { 204: 'Removed.', 404: 'No such server, or it has no override.', ...storeStatuses },
  role: 'admin',
}
const overrideList: RouteDoc = {
  summary: 'List the overrides of servers',
  group: 'servers',
  response: OverrideList,
  statuses: storeStatuses,
}
/** The one route of POST below `/servers`. */
const postRoute = 'POST /servers/:server{(?:preview|import|[^/]+(?:/[^/]+)?/(?:probe|check)|[^/]+/[^/]+/tools/[^/]+)}'
const probed: RouteDoc = {
  summary: 'Probe a server now and return the outcome',
  group: 'servers',
  response: ProbeResponse,
  statuses: unknownServer,
  role: 'admin',
  routedBy: postRoute,
}
const probedByAlias: RouteDoc = { ...probed, summary: 'Probe a server now; alias of `/probe`', deprecated: true }

/** The routes below `/servers`. */
const servers: Record<string, RouteDoc> = {
  'GET /servers': {
    summary: 'List servers',
    group: 'servers',
    response: ServerListResponse,
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
    response: ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'GET /servers/:namespace/:name': {
    summary: 'Get a server with its shadows and health history',
    group: 'servers',
    response: ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'POST /servers': { ...replaced, summary: 'Create a manual server', body: NamedDefinition },
  'POST /servers/preview': {
    summary: 'Say which entries of a pasted document could be written by hand, and why the others could not',
    group: 'servers',
    response: DocumentPreview,
    query: [
      {
        name: 'probe',
        description:
          '`true`: also probe the first ten URLs, with the headers of the document and no others. Never a command.',
        schema: { type: 'boolean' },
      },
    ],
    body: Document,
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
    response: z.union([DocumentImport, DocumentPreview]),
    query: ['dry_run'],
    body: DocumentImportBody,
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
    response: ToolCallOutcome,
    body: ToolCall,
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

/** Routes of servers, which are served under `/api/v1` too. */
export const serverRoutes: Readonly<Record<string, RouteDoc>> = {
  ...servers,
  ...Object.fromEntries(Object.entries(servers).map(([key, doc]) => [key.replace(' ', ' /api/v1'), doc])),
}

/** Reads overrides; they are written below `/servers`. */
export const overrideRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /overrides': overrideList,
  'GET /api/v1/overrides': overrideList,
}

/** Counts of servers. */
export const tagRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /tags': { summary: 'Count servers by tag', group: 'servers', response: Tags },
}
