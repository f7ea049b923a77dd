import type * as z from 'zod'
import { meshRoutes } from './mesh-routes.ts'
import * as shapes from './schemas.ts'

/** A parameter of one route that means something of its own there. Text, unless it has a schema. */
export type QueryDoc = {
  readonly name: string
  readonly description: string
  readonly schema?: Record<string, unknown>
}

/** One route, as the documentation tells it. A new route is one more line below; a test holds them together. */
export type RouteDoc = {
  readonly summary: string
  readonly group: 'servers' | 'agents' | 'clients' | 'sources' | 'operations'
  readonly answer:
    | z.ZodType
    | 'text/plain'
    | 'text/html'
    | 'application/json'
    | 'application/ai-catalog+json'
    | 'text/event-stream'
  /** What is sent; a patch in its own media type. */
  readonly body?: z.ZodType
  /** Names of parameters, `filter` among them for all that choose servers; or those of a list, a watch, a filter alone. */
  readonly query?: readonly (string | QueryDoc)[] | 'list' | 'watch' | 'filter'
  /** With what statuses else than 200 it answers the same. */
  readonly also?: Readonly<Record<number, string>>
  /** What else it answers by design: a problem, or nothing. */
  readonly statuses?: Readonly<Record<number, string>>
  readonly needs?: 'registrar' | 'admin'
}

const unknownServer = { 404: 'There is no such server.' }
const unknownSource = { 404: 'There is no such source.', 502: 'The source could not be read; the answer says why.' }
const badQuery = { 304: 'Nothing has changed since the given ETag.', 400: 'A parameter is wrong; the answer names it.' }

const written: RouteDoc = {
  summary: 'Write a server by hand, or write it anew',
  group: 'servers',
  answer: shapes.ServerDetail,
  body: shapes.Definition,
  also: { 201: 'Created; `Location` says where it is.' },
  statuses: {
    400: 'The definition is wrong; `errors` names each field.',
    409: 'It comes from another source, or is not of the version that `If-Match` or `resource_version` says; `current` is what is there.',
    503: 'Nothing can be stored now; `Retry-After` says when to try again.',
  },
  needs: 'admin',
}
const patched: RouteDoc = {
  ...written,
  summary: 'Change some fields of a server written by hand: a JSON merge patch',
  also: {},
  statuses: { ...written.statuses, 404: unknownServer[404], 415: 'Another kind of patch.' },
}
const deleted: RouteDoc = {
  summary: 'Delete a server written by hand',
  group: 'servers',
  answer: shapes.Anything,
  needs: 'admin',
  statuses: {
    204: 'It is gone.',
    404: unknownServer[404],
    409: 'It comes from another source, or has another version.',
  },
}

const probed: RouteDoc = {
  summary: 'Probe a server now and answer with the outcome',
  group: 'servers',
  answer: shapes.CheckOutcome,
  statuses: unknownServer,
  needs: 'admin',
}
const probedByAlias: RouteDoc = { ...probed, summary: 'Probe a server now; an alias of `/probe`' }

const servers: Record<string, RouteDoc> = {
  'GET /servers': {
    summary: 'The merged list',
    group: 'servers',
    answer: shapes.ServerList,
    query: 'list',
    statuses: { ...badQuery, 410: 'What a long poll asked for cannot be resumed.' },
  },
  'GET /servers/watch': {
    summary: 'Every change, as server-sent events: first what is there, then what changes',
    group: 'servers',
    answer: 'text/event-stream',
    query: 'watch',
    statuses: { 400: badQuery[400] },
  },
  'GET /servers/:name': {
    summary: 'One server of the namespace "default"',
    group: 'servers',
    answer: shapes.ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'GET /servers/:namespace/:name': {
    summary: 'One server, with its shadows and health history',
    group: 'servers',
    answer: shapes.ServerDetail,
    query: ['secrets'],
    statuses: unknownServer,
  },
  'POST /servers': { ...written, summary: 'Write a server by hand', body: shapes.NamedDefinition },
  'PUT /servers/:name': written,
  'PUT /servers/:namespace/:name': written,
  'PATCH /servers/:name': patched,
  'PATCH /servers/:namespace/:name': patched,
  'DELETE /servers/:name': deleted,
  'DELETE /servers/:namespace/:name': deleted,
  'POST /servers/:name/probe': probed,
  'POST /servers/:namespace/:name/probe': probed,
  'POST /servers/:name/check': probedByAlias,
  'POST /servers/:namespace/:name/check': probedByAlias,
}

const notYet = { 503: 'Not every source has been read since the start; ask again soon.' }
const unknownName = { 404: 'There is no such server, or no such version of it.' }

/** As the official registry has them. */
const published: Record<string, RouteDoc> = {
  'GET /v0.1/servers': {
    summary: 'Enabled servers, as the official MCP registry lists them',
    group: 'clients',
    answer: shapes.PublishedList,
    query: ['cursor', 'published_limit', 'search', 'updated_since', 'version', 'include_deleted'],
    statuses: { ...badQuery, ...notYet },
  },
  'GET /v0.1/servers/:name': {
    summary: 'One server, as the official MCP registry tells it',
    group: 'clients',
    answer: shapes.PublishedServer,
    statuses: { ...unknownName, ...notYet },
  },
  'GET /v0.1/servers/:name/versions': {
    summary: 'The versions of a server: the one it has',
    group: 'clients',
    answer: shapes.PublishedList,
    statuses: { ...unknownName, ...notYet },
  },
  'GET /v0.1/servers/:name/versions/:version': {
    summary: 'One version of a server; `latest` is the one it has',
    group: 'clients',
    answer: shapes.PublishedServer,
    statuses: { ...unknownName, ...notYet },
  },
}

const operation = (summary: string, answer: RouteDoc['answer']): RouteDoc => ({ summary, group: 'operations', answer })
const wellbeing = operation(
  'Whether the daemon serves; a failing source makes it "degraded", never an error',
  shapes.Wellbeing,
)
const readiness: RouteDoc = {
  ...operation('Whether every source has answered once, or has had its time to', shapes.Readiness),
  also: { 503: 'Not yet; the answer names the sources still waited for.' },
}

/** Every route, by method and path. */
export const routes: Readonly<Record<string, RouteDoc>> = {
  ...servers,
  ...Object.fromEntries(Object.entries(servers).map(([key, doc]) => [key.replace(' ', ' /api/v1'), doc])),
  ...meshRoutes,
  'GET /discover': {
    summary: 'Enabled servers as a map, or as a ready client configuration',
    group: 'clients',
    answer: shapes.Discoverable,
    query: ['filter', 'format', 'secrets'],
    statuses: { ...badQuery, ...notYet },
  },
  'POST /mcp': {
    summary: 'The registry as an MCP server: Streamable HTTP, every current revision, no sessions',
    group: 'clients',
    answer: shapes.Anything,
    body: shapes.Message,
    statuses: { 202: 'A notification was taken.', 400: 'No JSON-RPC message.', 415: 'The body must be JSON.' },
  },
  'POST /discover': { summary: 'Read every source now', group: 'sources', answer: shapes.Discovered, needs: 'admin' },
  'GET /sources': { summary: 'The state of each source', group: 'sources', answer: shapes.SourceList },
  'GET /sources/:name': {
    summary: 'The state of one source',
    group: 'sources',
    answer: shapes.SourceShape,
    statuses: { 404: unknownSource[404] },
  },
  'POST /sources/:name/refresh': {
    summary: 'Read one source now and answer with what changed',
    group: 'sources',
    answer: shapes.Refreshed,
    statuses: unknownSource,
    needs: 'admin',
  },
  ...published,
  ...Object.fromEntries(Object.entries(published).map(([key, doc]) => [key.replace('/v0.1/', '/v0/'), doc])),
  'GET /.well-known/ai-catalog.json': {
    summary: 'Enabled servers as an AI catalogue, where a domain is asked first',
    group: 'clients',
    answer: 'application/ai-catalog+json',
    statuses: notYet,
  },
  'GET /sd/prometheus': {
    summary: 'Enabled servers as targets for Prometheus (http_sd)',
    group: 'clients',
    answer: shapes.Targets,
    query: 'filter',
    statuses: { ...badQuery, ...notYet },
  },
  'POST /sources/:name/release': {
    summary: 'Believe what is held back: leases that most agents let run out at once, a sudden shrink',
    group: 'sources',
    answer: shapes.Anything,
    statuses: { 404: unknownSource[404] },
    needs: 'admin',
  },
  'GET /tags': { summary: 'How many servers carry each tag', group: 'servers', answer: shapes.Tags },
  'GET /stats': {
    summary: 'How many servers there are of each status, source, type, namespace and discovery method',
    group: 'servers',
    answer: shapes.Stats,
  },
  'GET /': operation('What this is and what it offers', shapes.ServiceInfo),
  'GET /health': wellbeing,
  'GET /healthz': wellbeing,
  'GET /-/healthy': wellbeing,
  'GET /ready': readiness,
  'GET /readyz': readiness,
  'GET /-/ready': readiness,
  'GET /metrics': operation('Metrics, as Prometheus text', 'text/plain'),
  'GET /metrics/prometheus': operation('Metrics, as Prometheus text', 'text/plain'),
  'GET /openapi.json': operation('This document', 'application/json'),
  'GET /docs': operation('This document, for people', 'text/html'),
  'POST /-/reload': {
    ...operation('Read the config again', shapes.ReloadOutcome),
    statuses: { 422: 'The config is not valid; the old one goes on.' },
    needs: 'admin',
  },
  'POST /-/trust-probes': {
    ...operation('Believe the probes again after the daemon suspected itself', shapes.Anything),
    needs: 'admin',
  },
}

/** One line for each route, by its path; one with several names by its first. */
export function endpoints(): Record<string, string> {
  const first = new Map<RouteDoc, string>()
  for (const [key, doc] of Object.entries(routes)) if (!first.has(doc)) first.set(doc, key)
  return Object.fromEntries([...first].map(([{ summary }, key]) => [key.replaceAll(/:(\w+)/g, '{$1}'), summary]))
}
