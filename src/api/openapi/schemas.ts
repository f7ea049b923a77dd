import * as z from 'zod'
import { Reason, Status } from '../../model/health.ts'
import { Role } from '../../model/principal.ts'
import { DefinitionFields, Override, Server } from '../../model/server.ts'
import { SourceState, SourceStatus } from '../../model/status.ts'
import { type ProblemCode, problemKinds } from '../http/problem-codes.ts'

const problemCodes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]]

/** Schemas of requests and responses for the OpenAPI document; no request is parsed with them. */

const Counts = z.record(z.string(), z.int())
const Token = z
  .string()
  .describe(
    'Opaque, `epoch-revision.digest`; also the `ETag`. Names a state of the servers, at every daemon of one store.',
  )

export const ServerShape = Server.unwrap().meta({ id: 'Server', description: 'A server, secrets redacted.' })

/** The body that creates or replaces a manual server. */
export const Definition = DefinitionFields.unwrap()
  .partial()
  .meta({ id: 'ServerDefinition', description: 'Needs `command` or `url`; the name is in the path.' })

export const NamedDefinition = DefinitionFields.unwrap()
  .partial()
  .required({ name: true })
  .meta({ id: 'NamedServerDefinition', description: 'Needs `name`, and `command` or `url`.' })

export const Message = z
  .looseObject({ jsonrpc: z.literal('2.0'), method: z.string().optional(), id: z.unknown().optional() })
  .meta({ id: 'JsonRpcMessage' })

/** One probe result in the history of a server. */
export const PastProbeShape = z.object({
  at: z.string(),
  ok: z.boolean(),
  reason: Reason,
  response_time_ms: z.number(),
})

export const ServerDetail = Server.unwrap()
  .extend({
    health: Server.unwrap().shape.health.extend({
      last_checked: z.string().optional(),
      response_time_ms: z.number().optional(),
      consecutive_failures: z.int().optional(),
      history: z.array(PastProbeShape).optional().describe('The last probe results, newest last.'),
    }),
  })
  .meta({ id: 'ServerDetail', description: 'A server with the fields that change at every probe.' })

export const OverrideBody = z.object({ enabled: z.boolean() }).meta({ id: 'OverrideBody' })

export const OverrideSet = z.object({ id: z.string(), override: Override.unwrap() }).meta({ id: 'OverrideSet' })

export const OverrideList = z
  .object({
    overrides: z.array(
      Override.unwrap().extend({ id: z.string(), present: z.boolean().describe('A source shows the server now.') }),
    ),
    count: z.int(),
  })
  .meta({ id: 'OverrideList' })

export const DryRun = z
  .object({
    dry_run: z.literal(true),
    action: z.enum(['create', 'replace', 'delete', 'none']).describe('`none`: the server is so already.'),
    server: DefinitionFields.unwrap()
      .extend({ id: z.string() })
      .describe('The definition that would be stored or deleted, secrets redacted.'),
  })
  .meta({ id: 'DryRun', description: 'What a write would do.' })

export const OverrideDryRun = z
  .object({
    dry_run: z.literal(true),
    action: DryRun.shape.action,
    id: z.string(),
    override: Override.unwrap().partial({ at: true }).describe('The override that would be stored or removed.'),
  })
  .meta({ id: 'OverrideDryRun', description: 'What a write of an override would do.' })

/** A document in the format of a client or of ours. It may be YAML too. */
export const Document = z
  .union([z.looseObject({}), z.array(z.unknown())])
  .meta({ id: 'ServerDocument', description: 'Servers as Claude, Cursor, VS Code or the config write them; YAML too.' })

const Where = z.string().optional().describe('Line and key in the document.')

const LeftOff = z.int().optional().describe('Entries after the first 1,000, which were not looked at.')
const RefusedEntry = z.object({
  name: z.string().optional(),
  where: Where,
  reason: z.string(),
  code: z.enum(problemCodes),
})

const FoundServer = z
  .object({
    ok: z.boolean(),
    reason: Reason,
    response_time_ms: z.number(),
    protocol_version: z.string().optional(),
    server_name: z.string().optional().describe('What the server calls itself.'),
    version: z.string().optional(),
    tools: z.int().optional().describe('Number of its tools.'),
    suggested_name: z.string().optional().describe('A free name in the namespace of the entry, made of `server_name`.'),
  })
  .optional()
  .meta({ id: 'FoundServer', description: 'What a probe found, with `probe=true`; of the first ten URLs.' })

export const DocumentPreview = z
  .object({
    dry_run: z.literal(true),
    taken: z.array(
      DryRun.pick({ action: true, server: true }).extend({
        where: Where,
        ignored: z.array(z.string()).optional().describe('Fields that would not be kept.'),
        probe: FoundServer,
      }),
    ),
    refused: z.array(RefusedEntry.extend({ probe: FoundServer })),
    left_off: LeftOff,
  })
  .meta({ id: 'DocumentPreview', description: 'What would become of the entries of a document.' })

export const DocumentImportBody = z
  .object({
    document: z.string().describe('At most 256 KiB, in any format that `/servers/preview` takes.'),
    servers: z.array(z.string()).optional().describe('Ids of the servers to write. Default: all that can be.'),
  })
  .meta({ id: 'DocumentImportBody' })

export const DocumentImport = z
  .object({
    written: z.array(z.object({ id: z.string(), action: DryRun.shape.action })),
    refused: z.array(RefusedEntry),
    left_off: LeftOff,
  })
  .meta({ id: 'DocumentImport', description: 'What became of the servers of a document, each for itself.' })

/** The server after a write; with `dry_run=true`, what the write would do. */
export const WrittenServer = z.union([ServerDetail, DryRun]).meta({ id: 'WrittenServer' })

/** A server of a list with `fields`: these, and no others. */
const PartialServer = Server.unwrap()
  .partial()
  .meta({ id: 'PartialServer', description: 'The fields that `fields` names.' })

export const ServerListResponse = z
  .object({
    servers: z.union([z.array(ServerShape), z.array(PartialServer)]),
    count: z.int().describe('Servers on this page.'),
    total: z.int().describe('Servers on all pages.'),
    resource_version: Token,
    syncing: z.array(z.string()).optional().describe('Sources that have not answered since the start.'),
    continue: z.string().optional().describe('The `continue` parameter of the next page.'),
  })
  .meta({ id: 'ServerList' })

export const ProbeResponse = z
  .object({
    id: z.string(),
    ok: z.boolean(),
    reason: Reason,
    response_time_ms: z.number(),
    protocol_version: z.string().optional(),
    checked_at: z.string(),
    suspected: z.boolean().describe('The daemon is in self-preservation: the status did not change.'),
    status: Status,
    health: Server.unwrap().shape.health,
  })
  .meta({ id: 'CheckOutcome' })

const Syncing = z
  .array(z.string())
  .optional()
  .describe('Sources that have not answered since the start; their servers may be missing.')

const ServerMap = z.object({ servers: z.record(z.string(), ServerShape), syncing: Syncing }).meta({ id: 'ServerMap' })

const ClientEntry = z.looseObject({}).describe('A server in the form of the client.')
const ClientConfig = z.object({ mcpServers: z.record(z.string(), ClientEntry) }).meta({ id: 'ClientConfig' })
const CodeConfig = z
  .object({ servers: z.record(z.string(), ClientEntry), inputs: z.array(z.looseObject({ id: z.string() })) })
  .meta({ id: 'VsCodeConfig' })

/** The response of `/discover`: the map, or with `format` the configuration of Claude and Cursor, or of VS Code. */
export const Discoverable = z.union([ServerMap, ClientConfig, CodeConfig]).meta({ id: 'Discoverable' })

export const SourceShape = SourceStatus.unwrap().meta({ id: 'Source' })

const SuspicionShape = z
  .looseObject({ since: z.string() })
  .describe('Self-preservation: statuses do not follow the probes; `remedy` names the way out.')

export const SourceList = z
  .object({
    sources: z.array(SourceShape),
    count: z.int(),
    conflicts: z.int().describe('Definitions shadowed by a source of higher precedence.'),
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

export const RefreshResult = z
  .object({
    source: z.string(),
    changes: Changes,
    held: z.boolean().optional().describe('A sudden shrink waits for a second read.'),
    status: SourceShape.optional(),
    resource_version: Token,
  })
  .meta({ id: 'Refreshed' })

export const DiscoverOutcome = z
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
    metadata: z.object({ nextCursor: z.string().optional(), count: z.int(), syncing: Syncing }),
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

export const DaemonHealth = z
  .object({
    status: z.enum(['healthy', 'degraded']),
    service: z.string().describe('`listen.service` of the config.'),
    name: z.string(),
    version: z.string(),
    uptime_seconds: z.number(),
    timestamp: z.string(),
    degraded_sources: z.array(z.string()).optional(),
    store: z.literal('down').optional().describe('The store is down: nothing can be registered; reads continue.'),
    suspicion: SuspicionShape.optional(),
    warnings: z.array(z.string()).optional().describe('What the operator should change in the config.'),
  })
  .meta({ id: 'Health' })

export const ConfigInForce = z
  .object({
    file: z.string().optional().describe('The config file, if there is one.'),
    settings: z.array(
      z.object({
        path: z.string(),
        value: z.unknown(),
        origin: z.string().describe('Where the value comes from: file and line, environment, command line, default.'),
      }),
    ),
    needs_restart: z.array(z.string()).describe('Settings that have changed and apply at the next start.'),
    last_reload: z.object({
      applied: z.boolean(),
      at: z.string(),
      warnings: z.array(z.string()),
      reason: z.string().optional().describe('Why the config was not taken; the former one is in force.'),
    }),
  })
  .meta({ id: 'Config' })

export const CallerRights = z
  .object({
    name: z.string(),
    anonymous: z.boolean().describe('Sent no token.'),
    role: Role,
    namespaces: z.array(z.string()).optional().describe('Namespaces that it may change; absent: all.'),
    rights: z.array(z.enum(['call', 'secrets'])),
    read_only: z.boolean().describe('The dashboard offers no actions (`ui.read_only`).'),
  })
  .meta({ id: 'CallerRights' })

export const ToolCall = z
  .object({ arguments: z.record(z.string(), z.unknown()).default({}).describe('Arguments of the tool.') })
  .meta({ id: 'ToolCall' })

export const ToolCallOutcome = z
  .object({
    server: z.string(),
    tool: z.string(),
    duration_ms: z.number().describe('Duration of the session and the call.'),
    result: z
      .looseObject({ content: z.array(z.unknown()), isError: z.boolean().optional() })
      .describe('`CallToolResult` of MCP, without the values that were sent as credentials.'),
  })
  .meta({ id: 'ToolCallOutcome' })

export const Readiness = z
  .object({
    ready: z.boolean(),
    instance_id: z.string().describe('Identifies this registry to rosters that read it.'),
    syncing: z.array(z.string()),
    sources: z.array(z.object({ name: z.string(), type: z.string(), state: SourceState, answered: z.boolean() })),
  })
  .meta({ id: 'Readiness' })

export const ServiceInfo = z
  .object({
    service: z.string().describe('`listen.service` of the config.'),
    name: z.string(),
    version: z.string(),
    status: z.literal('running'),
    endpoints: z.record(z.string(), z.string()),
    docs: z.string(),
  })
  .meta({ id: 'ServiceInfo' })

export const ReloadOutcome = z.looseObject({ applied: z.literal(true) }).meta({ id: 'Reloaded' })

export const ReloadDryRun = z
  .object({
    dry_run: z.literal(true),
    file: z.string().optional(),
    warnings: z.array(z.string()),
    changed: z
      .array(z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() }))
      .describe('Settings outside of the sources; secrets are `<redacted>` before and after.'),
    sources: z
      .object({ added: z.array(z.string()), changed: z.array(z.string()), removed: z.array(z.string()) })
      .describe('Names of the sources that would start, restart, and end.'),
    needs_restart: z.array(z.string()).describe('Settings that would apply at the next start only.'),
  })
  .meta({ id: 'ReloadDryRun', description: 'What a reload would change.' })
export const Anything = z.looseObject({})

export const ProblemShape = z
  .looseObject({
    type: z.string().describe('`urn:mcp-roster:problem:CODE`.'),
    title: z.string(),
    status: z.int(),
    code: z
      .enum(problemCodes)
      .describe('Stable.')
      .meta({ 'x-enum-descriptions': Object.values(problemKinds).map(({ remedy }) => remedy) }),
    detail: z.string(),
    error: z.string().describe('Copy of `detail`.'),
    timestamp: z.string(),
    request_id: z.string().optional().describe('Identifies the log entry with the cause of a 500.'),
  })
  .meta({ id: 'Problem', description: 'An error in the form of RFC 9457.' })
