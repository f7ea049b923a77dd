import { requireRole } from '../http/access/authenticator.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respondJson, respondText } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { suspicionOf } from './sources.ts'

/** What people and orchestrators ask of the daemon itself. */
export function operationsApi(parts: ApiPorts) {
  const api = createRoutes()
  const { supervisor, monitor, name, version, log } = parts

  const health = (c: ApiContext) => {
    const degraded = supervisor
      .sources()
      .filter(({ state }) => state === 'degraded' || state === 'stale')
      .map((source) => source.name)
    const suspicion = suspicionOf(monitor)
    const isStoreDown = parts.store()?.status === 'down'
    const well = degraded.length === 0 && suspicion === undefined && !isStoreDown
    return respondJson(c, {
      status: well ? 'healthy' : 'degraded',
      service: 'mcp-roster',
      name,
      version,
      uptime_seconds: Math.round(process.uptime() * 10) / 10,
      timestamp: new Date().toISOString(),
      ...(degraded.length > 0 ? { degraded_sources: degraded } : {}),
      ...(isStoreDown ? { store: 'down' } : {}),
      ...(suspicion ? { suspicion } : {}),
    })
  }

  const ready = (c: ApiContext) => {
    const isReady = supervisor.ready()
    const syncing = new Set(supervisor.syncing())
    const sources = supervisor.sources().map((source) => {
      return { name: source.name, type: source.type, state: source.state, answered: !syncing.has(source.name) }
    })
    const answer = { ready: isReady, instance_id: parts.instance(), syncing: [...syncing], sources }
    return respondJson(c, answer, isReady ? 200 : 503)
  }

  for (const path of ['/health', '/healthz', '/-/healthy']) api.get(path, health)
  for (const path of ['/ready', '/readyz', '/-/ready']) api.get(path, ready)

  const metrics = (c: ApiContext) => {
    if (!parts.metrics) throw metricsOff()
    return wantsJson(c, parts.metrics.default()) ? respondJson(c, parts.metrics.json()) : metricsText(c)
  }
  const metricsText = async (c: ApiContext) => {
    if (!parts.metrics) throw metricsOff()
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
    return respondText(c, await parts.metrics.text(), { headers })
  }
  api.get('/metrics', metrics)
  api.get('/metrics/prometheus', metricsText)

  api.post('/-/reload', async (c) => {
    requireRole(c.env.principal, 'admin')
    log.info({ audit: true, principal: c.env.principal.name }, 'a reload was asked for')
    const outcome = await parts.reload()
    if (outcome.applied) return respondJson(c, outcome)
    throw new Problem('config_invalid', `The config was not taken, the old one goes on: ${outcome.reason}`)
  })

  api.post('/-/trust-probes', (c) => {
    requireRole(c.env.principal, 'admin')
    log.info({ audit: true, principal: c.env.principal.name }, 'self-preservation of probes ended by request')
    monitor.endSelfPreservation()
    return respondJson(c, { suspicion: null })
  })
  return api
}

function metricsOff(): Problem {
  return new Problem('metrics_disabled', 'Metrics are switched off: metrics.enabled in the config.')
}

/** Clients of the original mesh registry read JSON, and mostly without saying so; Prometheus says what it takes. */
function wantsJson(c: ApiContext, otherwise: 'prometheus' | 'json'): boolean {
  const format = c.req.query('format')
  if (format === 'json') return true
  if (format === 'prometheus' || format === 'text') return false
  const accept = c.req.header('accept') ?? ''
  if (/application\/openmetrics-text|text\/plain/i.test(accept)) return false
  return /application\/json/i.test(accept) || otherwise === 'json'
}
