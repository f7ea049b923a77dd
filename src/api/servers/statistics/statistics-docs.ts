import * as z from 'zod'
import { windowNames } from '../../../health/statistics/rings.ts'
import { Reason, Status } from '../../../model/health.ts'
import type { QueryDoc, RouteDoc } from '../../openapi/route-doc.ts'
import { PastProbeShape, Stats } from '../../openapi/servers/server-schemas.ts'

const totals = {
  probes: z
    .int()
    .describe('Probes that count. A server without probes, such as an agent, is judged once a minute by its status.'),
  availability: z.number().nullable().describe('Share of the probes that succeeded, from 0 to 1; null without probes.'),
  errors: z
    .partialRecord(z.enum([...Reason.options, 'other']), z.int())
    .describe('Failed probes by reason; those of a fifth reason and more of one server are `other`.'),
  p50_ms: z.number().nullable().describe('Median response time of successful probes, within 5 %.'),
  p95_ms: z.number().nullable(),
  flaps: z.int().describe('Changes of the status.'),
}

const series = {
  ...totals,
  bucket_seconds: z.int(),
  buckets: z
    .array(z.object({ at: z.string(), ...totals }))
    .describe('Oldest first: 60 minutes, 96 quarters of an hour, or 168 hours; the last one is still growing.'),
}

const ServerStatistics = z
  .object({
    id: z.string(),
    measured: z.boolean().describe('Whether the server has statistics; if not, `reason` says why.'),
    reason: z.string().optional(),
    timeline: z.array(PastProbeShape).describe('The last 60 probes, newest last.'),
    windows: z.partialRecord(z.enum(windowNames), z.object(series)),
  })
  .meta({ id: 'ServerStatistics' })

const StatisticsSummary = z
  .object({
    window: z.enum(windowNames),
    servers: z.int().describe('Servers that the filters select.'),
    measured: z.int().describe('Those of them that have statistics.'),
    ...series,
    worst: z
      .array(z.object({ id: z.string(), status: Status, ...totals }))
      .describe('At most ten servers with failures or flaps, the least available first.'),
    resource_version: z.string(),
  })
  .meta({ id: 'StatisticsSummary' })

const window = (description: string): QueryDoc => ({
  name: 'window',
  description,
  schema: { type: 'string', enum: [...windowNames] },
})

const serverStatistics: RouteDoc = {
  summary: 'Get what probes of a server showed over the last hour, day and week',
  group: 'servers',
  response: ServerStatistics,
  query: [window('Only this window.')],
  statuses: { 400: 'Invalid parameter; `parameter` names it.', 404: 'No such server.' },
}

/** The routes of statistics over time. */
export const statisticsRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /servers/:namespace/:name/stats': serverStatistics,
  'GET /servers/:name/stats': {
    ...serverStatistics,
    summary: 'The same for a server of the namespace "default"; a server named `stats` comes first',
    routedBy: 'GET /servers/:namespace/:name',
  },
  'GET /api/v1/servers/:namespace/:name/stats': serverStatistics,
  'GET /stats': {
    summary:
      'Count the servers that the filters select; with `window`: what their probes showed over the last hour, day or week',
    group: 'servers',
    response: z.union([Stats, StatisticsSummary]),
    query: ['filter', window('Answers with the statistics of the servers that match the other parameters.')],
    statuses: {
      400: 'Invalid parameter; `parameter` names it.',
      403: 'The token is bound to other namespaces.',
    },
  },
}
