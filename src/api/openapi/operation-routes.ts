import * as z from 'zod'
import { Role } from '../../model/principal.ts'
import { SourceState } from '../../model/status.ts'
import { ClusterHealth } from './cluster-routes.ts'
import { Anything } from './common-schemas.ts'
import type { RouteDoc } from './route-doc.ts'
import { SuspicionShape } from './source-routes.ts'

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
    cluster: ClusterHealth.optional(),
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

const operation = (summary: string, response: RouteDoc['response']): RouteDoc => ({
  summary,
  group: 'operations',
  response,
})
const health = operation('Liveness: 200 while the daemon serves; "degraded" while a source fails', DaemonHealth)
const readiness: RouteDoc = {
  ...operation('Readiness: 200 once every source has answered or timed out', Readiness),
  sameResponse: { 503: 'Not ready; `syncing` names the sources that have not answered.' },
}

/** Routes of those who run the daemon. */
export const operationRoutes: Readonly<Record<string, RouteDoc>> = {
  'GET /': operation('Name, version and routes of the daemon', ServiceInfo),
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
    ...operation('The config in force, without secrets, and where each value comes from', ConfigInForce),
    role: 'admin',
  },
  'GET /me': operation('What the token of the caller may do', CallerRights),
  'GET /ui': {
    ...operation('The dashboard: a page for people', 'text/html'),
    routedBy: 'GET /ui/*',
    statuses: { 404: 'It is disabled, or has no such file.', 503: 'It is not built; the problem names the command.' },
  },
  'GET /docs': operation('This document as a page', 'text/html'),
  'POST /-/reload': {
    ...operation('Reload the config', z.union([ReloadOutcome, ReloadDryRun])),
    query: ['dry_run'],
    statuses: { 422: 'Invalid config; the config in force stays.' },
    role: 'admin',
  },
  'POST /-/trust-probes': {
    ...operation('Trust the probes again: end self-preservation of health', Anything),
    query: ['dry_run'],
    role: 'admin',
  },
}
