import * as z from 'zod'
import { Reason, Status } from '../../../model/health.ts'
import { Server } from '../../../model/server.ts'
import { Token } from '../common-schemas.ts'

const Counts = z.record(z.string(), z.int())

export const ServerShape = Server.unwrap().meta({ id: 'Server', description: 'A server, secrets redacted.' })

/** One probe result in the history of a server. */
export const PastProbeShape = z.object({
  at: z.string(),
  ok: z.boolean(),
  reason: Reason,
  response_time_ms: z.number(),
})

export const ServerDetail = Server.unwrap()
  .extend({
    where: z
      .string()
      .optional()
      .describe('Location of the definition in `origin`: `line 12, servers.weather`. It changes without a revision.'),
    health: Server.unwrap().shape.health.extend({
      last_checked: z.string().optional(),
      response_time_ms: z.number().optional(),
      consecutive_failures: z.int().optional(),
      history: z.array(PastProbeShape).optional().describe('The last probe results, newest last.'),
    }),
  })
  .meta({ id: 'ServerDetail', description: 'A server with the fields that change at every probe.' })

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
