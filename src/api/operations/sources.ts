import type { Change } from '../../model/change.ts'
import { redactRejection } from '../../model/redaction/redact-reason.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { SourceStatus } from '../../model/status.ts'
import { requireAllNamespaces, requireRole } from '../http/access/authenticator.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { isDryRun } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'

/** Ids of the servers that a read added, modified and deleted. */
type ChangeSummary = { readonly added: string[]; readonly modified: string[]; readonly deleted: string[] }

/** Routes of sources: their state, a read on demand, and the release of a held shrink or of held leases. */
export function sourcesApi({
  supervisor,
  monitor,
  mesh,
  registry,
  log,
}: Pick<ApiPorts, 'supervisor' | 'monitor' | 'mesh' | 'registry' | 'log'>) {
  const api = createRoutes()

  const toView = (status: SourceStatus) => ({ ...redactStatus(status), ...leasePreservation(status, mesh) })

  api.get('/sources', (c) => {
    const sources = supervisor.sources().map(toView)
    const suspicion = healthPreservation(monitor)
    return respondJson(c, {
      sources,
      count: sources.length,
      conflicts: sources.reduce((sum, { shadowed }) => sum + shadowed, 0),
      syncing: supervisor.syncing(),
      ...(suspicion ? { suspicion } : {}),
      resource_version: registry.token(),
    })
  })

  api.get('/sources/:name', (c) => {
    const status = supervisor.sources().find(({ name }) => name === c.req.param('name'))
    if (!status) throw unknownSource(c.req.param('name'))
    return respondJson(c, toView(status))
  })

  api.post('/sources/:name/refresh', async (c) => {
    const name = c.req.param('name')
    requireRole(c.env.principal, 'admin')
    requireAllNamespaces(c.env.principal)
    if (!supervisor.names().includes(name)) throw unknownSource(name)
    audit(c, { source: name }, 'source refresh requested')
    const outcome = await refresh(name)
    if (outcome.error !== undefined) {
      throw new Problem('source_read_failed', outcome.error, { more: { source: name, ...statusOf(name) } })
    }
    return respondJson(c, { source: name, ...outcome, ...statusOf(name), resource_version: registry.token() })
  })

  /** Ends the self-preservation of leases, and accepts a shrink that waits for a second read. */
  api.post('/sources/:name/release', async (c) => {
    const name = c.req.param('name')
    requireRole(c.env.principal, 'admin')
    requireAllNamespaces(c.env.principal)
    const status = supervisor.sources().find((one) => one.name === name)
    if (!status) throw unknownSource(name)
    const isPreserving = status.type === 'agents' && mesh.selfPreservation() !== undefined
    const released = isPreserving || status.held !== undefined
    if (isDryRun(c.env.incoming.url ?? ''))
      return respondJson(c, { dry_run: true, source: name, released, ...statusOf(name) })
    audit(c, { source: name, leases: isPreserving, shrink: status.held !== undefined }, 'held changes released')
    if (isPreserving) mesh.endSelfPreservation()
    // A second read with the same result is accepted at once.
    const outcome = status.held ? await refresh(name) : undefined
    return respondJson(c, { source: name, released, ...outcome, ...statusOf(name), resource_version: registry.token() })
  })

  api.post('/discover', async (c) => {
    requireRole(c.env.principal, 'admin')
    requireAllNamespaces(c.env.principal)
    audit(c, {}, 'refresh of every source requested')
    const enabled = supervisor.sources().filter(({ state }) => state !== 'disabled')
    const sources = await Promise.all(enabled.map(async ({ name }) => ({ source: name, ...(await refresh(name)) })))
    return respondJson(c, {
      sources,
      added: sources.reduce((sum, { changes }) => sum + changes.added.length, 0),
      modified: sources.reduce((sum, { changes }) => sum + changes.modified.length, 0),
      deleted: sources.reduce((sum, { changes }) => sum + changes.deleted.length, 0),
      failed: sources.filter(({ error }) => error !== undefined).map(({ source }) => source),
      total: registry.size(),
      resource_version: registry.token(),
    })
  })

  async function refresh(name: string): Promise<{ changes: ChangeSummary; held?: true; error?: string }> {
    try {
      const { changes, held, error } = await supervisor.refresh(name)
      return {
        changes: summarize(changes),
        ...(held ? { held } : {}),
        ...(error === undefined ? {} : { error: redactText(error) }),
      }
    } catch (error) {
      return { changes: summarize([]), error: redactText(error instanceof Error ? error.message : 'reading failed') }
    }
  }

  function statusOf(name: string): { status?: SourceStatus } {
    const status = supervisor.sources().find((one) => one.name === name)
    return status ? { status: toView(status) } : {}
  }

  function audit(c: ApiContext, fields: object, message: string): void {
    log.info({ audit: true, principal: c.env.principal.name, ...fields }, message)
  }

  return api
}

function unknownSource(name: string): Problem {
  return new Problem('source_not_found', `No source ${JSON.stringify(name)}; see GET /sources.`)
}

function summarize(changes: readonly Change[]): ChangeSummary {
  const ids = (type: Change['type']) =>
    changes.filter((change) => change.type === type).map(({ now, before }) => (now ?? before).server.id)
  return { added: ids('ADDED'), modified: ids('MODIFIED'), deleted: ids('DELETED') }
}

/** The self-preservation of health with its remedy; undefined where there is none. */
export function healthPreservation({ selfPreservation }: Pick<ApiPorts['monitor'], 'selfPreservation'>) {
  const preservation = selfPreservation()
  return preservation && { ...preservation, remedy }
}

const remedy =
  'Most healthy servers began to fail at once, so the likely cause is the network of this daemon. Statuses do not change; POST /-/trust-probes makes them follow the probes again.'

/** The self-preservation of leases with its remedy; only for sources of agents. */
function leasePreservation(
  { name, type }: SourceStatus,
  { selfPreservation }: Pick<ApiPorts['mesh'], 'selfPreservation'>,
): Pick<SourceStatus, 'self_preservation'> {
  const preservation = type === 'agents' ? selfPreservation() : undefined
  if (!preservation) return {}
  const { since, until, failing, of } = preservation
  const remedy = `Most agents fell silent at once, so the likely cause is the network of this daemon. No lease expires until half of them send heartbeats again, or until POST /sources/${encodeURIComponent(name)}/release.`
  const [from, to] = [since, until].map((time) => new Date(time).toISOString())
  return { self_preservation: { since: from ?? '', until: to ?? '', held: failing, of, remedy } }
}

/** Addresses and messages of a source may hold secrets of its config. */
function redactStatus(status: SourceStatus): SourceStatus {
  return {
    ...status,
    ...(status.note === undefined ? {} : { note: redactText(status.note) }),
    ...(status.last_error === undefined ? {} : { last_error: redactText(status.last_error) }),
    origins: status.origins.map((origin) => ({
      ...origin,
      origin: redactText(origin.origin),
      ...(origin.error === undefined ? {} : { error: redactText(origin.error) }),
    })),
    rejections: status.rejections.map(redactRejection),
  }
}
