import * as z from 'zod'
import { Anything, Message, Syncing } from './common-schemas.ts'
import { notReady, queryStatuses, type RouteDoc } from './route-doc.ts'
import { ServerShape } from './servers/server-schemas.ts'

const ServerMap = z.object({ servers: z.record(z.string(), ServerShape), syncing: Syncing }).meta({ id: 'ServerMap' })

const ClientEntry = z.looseObject({}).describe('A server in the form of the client.')

const ClientConfig = z.object({ mcpServers: z.record(z.string(), ClientEntry) }).meta({ id: 'ClientConfig' })

const CodeConfig = z
  .object({ servers: z.record(z.string(), ClientEntry), inputs: z.array(z.looseObject({ id: z.string() })) })
  .meta({ id: 'VsCodeConfig' })

/** The response of `/discover`: the map, or with `format` the configuration of Claude and Cursor, or of VS Code. */
export const Discoverable = z.union([ServerMap, ClientConfig, CodeConfig]).meta({ id: 'Discoverable' })

const OfficialMeta = z.looseObject({
  status: z.enum(['active', 'deprecated', 'deleted']),
  statusChangedAt: z.string(),
  publishedAt: z.string(),
  updatedAt: z.string(),
  isLatest: z.boolean(),
})

export const PublishedServer = z
  .object({
    server: z.looseObject({ name: z.string(), description: z.string(), version: z.string() }),
    _meta: z.looseObject({ 'io.modelcontextprotocol.registry/official': OfficialMeta }),
  })
  .meta({ id: 'PublishedServer', description: 'A `server.json`, with health, tags and labels under `_meta`.' })

export const PublishedList = z
  .object({
    servers: z.array(PublishedServer),
    metadata: z.object({ nextCursor: z.string().optional(), count: z.int(), syncing: Syncing }),
  })
  .meta({ id: 'PublishedList' })

export const Targets = z
  .array(z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) }))
  .meta({ id: 'Targets' })

const unknownVersion = { 404: 'No such server, or no such version.' }

/** The read API of the official registry. */
const published: Record<string, RouteDoc> = {
  'GET /v0.1/servers': {
    summary: 'List enabled servers in the form of the official MCP registry',
    group: 'clients',
    response: PublishedList,
    query: ['cursor', 'published_limit', 'search', 'updated_since', 'version', 'include_deleted'],
    statuses: { ...queryStatuses, ...notReady },
  },
  'GET /v0.1/servers/:name': {
    summary: 'Get a server in the form of the official MCP registry',
    group: 'clients',
    response: PublishedServer,
    statuses: { ...unknownVersion, ...notReady },
  },
  'GET /v0.1/servers/:name/versions': {
    summary: 'List the versions of a server, which has one',
    group: 'clients',
    response: PublishedList,
    statuses: { ...unknownVersion, ...notReady },
  },
  'GET /v0.1/servers/:name/versions/:version': {
    summary: 'Get a version of a server; `latest` is its only one',
    group: 'clients',
    response: PublishedServer,
    statuses: { ...unknownVersion, ...notReady },
  },
}

/** Routes for clients that connect to servers. */
export const clientRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /discover': {
    summary: 'Get enabled servers as a map, or as a client configuration',
    group: 'clients',
    response: Discoverable,
    query: ['filter', 'format', 'secrets'],
    statuses: { ...queryStatuses, ...notReady },
  },
  'POST /mcp': {
    summary: 'The registry as an MCP server: stateless Streamable HTTP, every current revision',
    group: 'clients',
    response: Anything,
    body: Message,
    errorType: 'application/json',
    statuses: {
      202: 'Notification accepted.',
      400: 'Not a JSON-RPC message.',
      406: '`Accept` lacks `application/json` or `text/event-stream`.',
      415: 'The body is not JSON.',
    },
  },
}

/** Routes in forms that others have defined. */
export const publishedRoutes: Readonly<Record<string, RouteDoc>> = {
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
    response: Targets,
    query: 'filter',
    statuses: { ...queryStatuses, ...notReady },
  },
}
