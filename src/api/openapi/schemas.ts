import * as z from 'zod'
import { Reason, Status } from '../../model/health.ts'
import { DefinitionFields, Server } from '../../model/server.ts'
import { SourceState, SourceStatus } from '../../model/status.ts'
import { type ProblemCode, problemKinds } from '../http/problem-codes.ts'

const problemCodes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]]

/** What the routes answer, for the documentation. Loaded only with it. */

const Counts = z.record(z.string(), z.int())
const Token = z.string().describe('Opaque, `epoch-revision`; also the `ETag`.')

export const ServerShape = Server.unwrap().meta({ id: 'Server', description: 'One server, secrets redacted.' })

/** What a server written by hand may say: any field of a definition. */
export const Definition = DefinitionFields.unwrap()
  .partial()
  .meta({ id: 'ServerDefinition', description: 'A command or a URL is needed; the name stands in the path.' })

export const NamedDefinition = DefinitionFields.unwrap()
  .partial()
  .required({ name: true })
  .meta({ id: 'NamedServerDefinition', description: 'A command or a URL is needed beside the name.' })

export const Message = z
  .looseObject({ jsonrpc: z.literal('2.0'), method: z.string().optional(), id: z.unknown().optional() })
  .meta({ id: 'JsonRpcMessage' })

/** One result of a probe, as the history of a server lists it. */
const PastCheck = z.object({ at: z.string(), ok: z.boolean(), reason: Reason, response_time_ms: z.number() })

export const ServerDetail = Server.unwrap()
  .extend({
    health: Server.unwrap().shape.health.extend({
      last_checked: z.string().optional(),
      response_time_ms: z.number().optional(),
      consecutive_failures: z.int().optional(),
      history: z.array(PastCheck).optional().describe('The last results, newest last.'),
    }),
  })
  .meta({ id: 'ServerDetail', description: 'One server with what moves at every probe.' })

export const ServerList = z
  .object({
    servers: z.array(ServerShape),
    count: z.int().describe('Servers in this answer.'),
    total: z.int().describe('Servers that match, on all pages.'),
    resource_version: Token,
    syncing: z.array(z.string()).optional().describe('Sources that have not answered yet.'),
    continue: z.string().optional().describe('Send it as `continue` for the next page.'),
  })
  .meta({ id: 'ServerList' })

export const CheckOutcome = z
  .object({
    id: z.string(),
    ok: z.boolean(),
    reason: Reason,
    response_time_ms: z.number(),
    protocol_version: z.string().optional(),
    checked_at: z.string(),
    suspected: z.boolean().describe('The daemon suspects itself: the status stayed as it was.'),
    status: Status,
    health: Server.unwrap().shape.health,
  })
  .meta({ id: 'CheckOutcome' })

const ServerMap = z.object({ servers: z.record(z.string(), ServerShape) }).meta({ id: 'ServerMap' })

const ClientEntry = z.looseObject({}).describe('A server as the client writes it.')
const ClientConfig = z.object({ mcpServers: z.record(z.string(), ClientEntry) }).meta({ id: 'ClientConfig' })
const CodeConfig = z
  .object({ servers: z.record(z.string(), ClientEntry), inputs: z.array(z.looseObject({ id: z.string() })) })
  .meta({ id: 'VsCodeConfig' })

/** What `/discover` answers: the map, or with `format` the configuration of Claude and Cursor, or of VS Code. */
export const Discoverable = z.union([ServerMap, ClientConfig, CodeConfig]).meta({ id: 'Discoverable' })

export const SourceShape = SourceStatus.unwrap().meta({ id: 'Source' })

const SuspicionShape = z
  .looseObject({ since: z.string() })
  .describe('The daemon doubts its own probes; how to clear it.')

export const SourceList = z
  .object({
    sources: z.array(SourceShape),
    count: z.int(),
    conflicts: z.int().describe('Definitions that lost to a source of higher precedence.'),
    syncing: z.array(z.string()),
    suspicion: SuspicionShape.optional(),
    resource_version: Token,
  })
  .meta({ id: 'SourceList' })

const Changes = z.object({
  added: z.array(z.string()),
  modified: z.array(z.string()),
  deleted: z.array(z.string()),
})

export const Refreshed = z
  .object({
    source: z.string(),
    changes: Changes,
    held: z.boolean().optional().describe('A sudden shrink waits for a second look.'),
    status: SourceShape.optional(),
    resource_version: Token,
  })
  .meta({ id: 'Refreshed' })

export const Discovered = z
  .object({
    sources: z.array(
      z.object({ source: z.string(), changes: Changes, held: z.boolean().optional(), error: z.string().optional() }),
    ),
    added: z.int(),
    modified: z.int(),
    deleted: z.int(),
    failed: z.array(z.string()),
    total: z.int(),
    resource_version: Token,
  })
  .meta({ id: 'Discovered' })

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
    metadata: z.object({ nextCursor: z.string().optional(), count: z.int() }),
  })
  .meta({ id: 'PublishedList' })

export const Targets = z
  .array(z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) }))
  .meta({ id: 'Targets' })

export const Tags = z.object({ tags: Counts, count: z.int(), resource_version: Token }).meta({ id: 'Tags' })

export const Stats = z
  .object({
    total_servers: z.int(),
    enabled_servers: z.int(),
    disabled_servers: z.int(),
    healthy_servers: z.int(),
    unhealthy_servers: z.int(),
    stale_servers: z.int(),
    discovery_methods: Counts,
    by_status: Counts,
    by_source: Counts,
    by_namespace: Counts,
    by_type: Counts,
    by_tag: Counts,
    total_capabilities: z.int(),
    resource_version: Token,
  })
  .meta({ id: 'Stats' })

export const Wellbeing = z
  .object({
    status: z.enum(['healthy', 'degraded']),
    service: z.literal('mcp-roster'),
    name: z.string(),
    version: z.string(),
    uptime_seconds: z.number(),
    timestamp: z.string(),
    degraded_sources: z.array(z.string()).optional(),
    store: z.literal('down').optional().describe('Nothing can be registered now; the rest goes on.'),
    suspicion: SuspicionShape.optional(),
  })
  .meta({ id: 'Health' })

export const Readiness = z
  .object({
    ready: z.boolean(),
    instance_id: z.string().describe('Which registry this is, to other rosters that follow it.'),
    syncing: z.array(z.string()),
    sources: z.array(z.object({ name: z.string(), type: z.string(), state: SourceState, answered: z.boolean() })),
  })
  .meta({ id: 'Readiness' })

export const ServiceInfo = z
  .object({
    service: z.literal('mcp-roster'),
    name: z.string(),
    version: z.string(),
    status: z.literal('running'),
    endpoints: z.record(z.string(), z.string()),
    docs: z.string(),
  })
  .meta({ id: 'ServiceInfo' })

export const ReloadOutcome = z.looseObject({ applied: z.literal(true) }).meta({ id: 'Reloaded' })
export const Anything = z.looseObject({})

export const ProblemShape = z
  .looseObject({
    type: z.string().describe('`urn:mcp-roster:problem:CODE`.'),
    title: z.string(),
    status: z.int(),
    code: z.enum(problemCodes).describe('Stable; see `config/problems.md` for the remedy of each.'),
    detail: z.string(),
    error: z.string().describe('The same as `detail`.'),
    timestamp: z.string(),
    request_id: z.string().optional().describe('Finds the cause of a 500 in the log.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' })
