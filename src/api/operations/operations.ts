import type { Principal } from '../../model/principal.ts'
import type { SourceStatus } from '../../model/status.ts'
import { requireAllNamespaces, requireRole } from '../http/access/authenticator.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { isDryRun } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { respondJson, respondText } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { clusterHealth } from './cluster.ts'
import { healthPreservation } from './sources.ts'

/** Routes of the daemon itself: health, readiness, metrics, reload. */
export function operationsApi(ports: ApiPorts) {
  const api = createRoutes()
  const { supervisor, monitor, name, version, log } = ports

  const health = (c: ApiContext) => {
    const degradedSources = supervisor
      .sources()
      .filter(isDegraded)
      .map((source) => source.name)
    const suspicion = healthPreservation(monitor)
    const isStoreDown = ports.store()?.status === 'down'
    const isHealthy = degradedSources.length === 0 && suspicion === undefined && !isStoreDown
    const status = isHealthy ? 'healthy' : 'degraded'
    const uptime = process.uptime()
    const warnings = ports.warnings()
    const cluster = clusterHealth(ports)
    const body = {
      status,
      service: ports.service(),
      name,
      version,
      uptime_seconds: Math.round(uptime * 10) / 10,
      timestamp: new Date().toISOString(),
      ...(degradedSources.length > 0 ? { degraded_sources: degradedSources } : {}),
      ...(isStoreDown ? { store: 'down' } : {}),
      ...(suspicion ? { suspicion } : {}),
      ...(cluster ? { cluster } : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
    }
    return respondJson(c, body, 200, c.env.incoming.method === 'HEAD' ? headOfHealth(status, version, uptime) : {})
  }

  const ready = (c: ApiContext) => {
    const isReady = supervisor.ready()
    const syncing = new Set(supervisor.syncing())
    const sources = supervisor.sources().map((source) => {
      return { name: source.name, type: source.type, state: source.state, answered: !syncing.has(source.name) }
    })
    const readiness = { ready: isReady, instance_id: ports.instance(), syncing: [...syncing], sources }
    return respondJson(c, readiness, isReady ? 200 : 503)
  }

  for (const path of ['/health', '/healthz', '/-/healthy']) api.get(path, health)
  for (const path of ['/ready', '/readyz', '/-/ready']) api.get(path, ready)

  const metrics = (c: ApiContext) => {
    if (!ports.metrics) throw metricsDisabled()
    return wantsJson(c, ports.metrics.default()) ? respondJson(c, ports.metrics.json()) : metricsText(c)
  }
  const metricsText = async (c: ApiContext) => {
    if (!ports.metrics) throw metricsDisabled()
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
    return respondText(c, await ports.metrics.text(), { headers })
  }
  api.get('/metrics', metrics)
  api.get('/metrics/prometheus', metricsText)

  api.post('/-/reload', async (c) => {
    requireRole(c.env.principal, 'admin')
    requireAllNamespaces(c.env.principal)
    if (isDryRun(c.env.incoming.url ?? '')) return respondJson(c, await checkedConfig())
    log.info({ audit: true, principal: c.env.principal.name }, 'config reload requested')
    const outcome = await ports.reload()
    if (outcome.applied) return respondJson(c, outcome)
    throw invalidConfig(outcome.reason)
  })

  async function checkedConfig(): Promise<object> {
    const checked = await ports.checkConfig()
    if (!checked.isValid) throw invalidConfig(checked.reason)
    const { isValid: _, ...changes } = checked
    return { dry_run: true, ...changes }
  }

  api.get('/config', async (c) => {
    requireRole(c.env.principal, 'admin')
    requireAllNamespaces(c.env.principal)
    return respondJson(c, await ports.config())
  })

  api.get('/me', (c) => respondJson(c, rightsOf(c.env.principal, ports.ui().read_only)))

  api.post('/-/trust-probes', (c) => {
    requireRole(c.env.principal, 'admin')
    requireAllNamespaces(c.env.principal)
    if (isDryRun(c.env.incoming.url ?? ''))
      return respondJson(c, { dry_run: true, suspicion: healthPreservation(monitor) ?? null })
    log.info({ audit: true, principal: c.env.principal.name }, 'self-preservation of probes ended by request')
    monitor.endSelfPreservation()
    return respondJson(c, { suspicion: null })
  })
  return api
}

function invalidConfig(reason: string): Problem {
  return new Problem('config_invalid', `Invalid config; the config in force stays: ${reason}`)
}

/** What the caller may do, for pages that explain why an action is not offered. */
function rightsOf({ name, role, namespaces, secrets, call, anonymous }: Principal, isReadOnly: boolean) {
  const mayCall = call === true || role === 'admin'
  return {
    name,
    anonymous: anonymous === true,
    role,
    ...(namespaces ? { namespaces } : {}),
    rights: [...(mayCall ? ['call'] : []), ...(secrets ? ['secrets'] : [])],
    read_only: isReadOnly,
  }
}

/** Whether a source fails, in part or as a whole, since its start too. */
function isDegraded({ state, consecutive_failures }: SourceStatus): boolean {
  return state === 'degraded' || state === 'stale' || (state === 'starting' && consecutive_failures > 0)
}

/** Headers by which clients of the mesh registry read `HEAD /health`, which has no body. */
function headOfHealth(status: string, version: string, uptime: number): Record<string, string> {
  return { 'x-health-status': status, 'x-service-version': version, 'x-uptime-seconds': String(Math.floor(uptime)) }
}

function metricsDisabled(): Problem {
  return new Problem('metrics_disabled', 'Metrics are disabled; set metrics.enabled in the config.')
}

/** Prometheus names the formats that it accepts. Clients of the original mesh registry expect JSON, mostly without a header. */
function wantsJson(c: ApiContext, defaultFormat: 'prometheus' | 'json'): boolean {
  const format = c.req.query('format')
  if (format === 'json') return true
  if (format === 'prometheus' || format === 'text') return false
  const accept = c.req.header('accept') ?? ''
  if (/application\/openmetrics-text|text\/plain/i.test(accept)) return false
  return /application\/json/i.test(accept) || defaultFormat === 'json'
}
