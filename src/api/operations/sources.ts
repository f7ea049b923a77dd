import type { Change } from '../../model/change.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { SourceStatus } from '../../model/status.ts'
import { requireRole } from '../http/access/authenticator.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'

/** Names of what a look added, modified and deleted. */
type Summary = { readonly added: string[]; readonly modified: string[]; readonly deleted: string[] }

/** The state of each source, and reading one, or all of them, now. */
export function sourcesApi({
  supervisor,
  monitor,
  mesh,
  registry,
  log,
}: Pick<ApiPorts, 'supervisor' | 'monitor' | 'mesh' | 'registry' | 'log'>) {
  const api = createRoutes()

  const shown = (status: SourceStatus) => ({ ...shownSource(status), ...preservationOf(status, mesh) })

  api.get('/sources', (c) => {
    const sources = supervisor.sources().map(shown)
    const suspicion = suspicionOf(monitor)
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
    const found = supervisor.sources().find(({ name }) => name === c.req.param('name'))
    if (!found) throw unknownSource(c.req.param('name'))
    return respondJson(c, shown(found))
  })

  api.post('/sources/:name/refresh', async (c) => {
    const name = c.req.param('name')
    requireRole(c.env.principal, 'admin')
    if (!supervisor.names().includes(name)) throw unknownSource(name)
    audit(c, { source: name }, 'a refresh was asked for')
    const outcome = await look(name)
    if (outcome.error !== undefined) {
      throw new Problem('source_read_failed', outcome.error, { more: { source: name, ...statusOf(name) } })
    }
    return respondJson(c, { source: name, ...outcome, ...statusOf(name), resource_version: registry.token() })
  })

  /** Believes what is held back: leases that most agents let run out at once, a shrink that waits for a second look. */
  api.post('/sources/:name/release', async (c) => {
    const name = c.req.param('name')
    requireRole(c.env.principal, 'admin')
    const found = supervisor.sources().find((one) => one.name === name)
    if (!found) throw unknownSource(name)
    const preserved = found.type === 'agents' && mesh.selfPreservation() !== undefined
    audit(c, { source: name, leases: preserved, shrink: found.held !== undefined }, 'what was held is believed')
    if (preserved) mesh.endSelfPreservation()
    // A second look that says the same is believed at once.
    const outcome = found.held ? await look(name) : undefined
    const released = preserved || found.held !== undefined
    return respondJson(c, { source: name, released, ...outcome, ...statusOf(name), resource_version: registry.token() })
  })

  api.post('/discover', async (c) => {
    requireRole(c.env.principal, 'admin')
    audit(c, {}, 'a refresh of every source was asked for')
    const asked = supervisor.sources().filter(({ state }) => state !== 'disabled')
    const sources = await Promise.all(asked.map(async ({ name }) => ({ source: name, ...(await look(name)) })))
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

  async function look(name: string): Promise<{ changes: Summary; held?: true; error?: string }> {
    try {
      const { changes, held, error } = await supervisor.refresh(name)
      return {
        changes: summary(changes),
        ...(held ? { held } : {}),
        ...(error === undefined ? {} : { error: redactText(error) }),
      }
    } catch (error) {
      return { changes: summary([]), error: redactText(error instanceof Error ? error.message : 'could not be read') }
    }
  }

  function statusOf(name: string): { status?: SourceStatus } {
    const status = supervisor.sources().find((one) => one.name === name)
    return status ? { status: shown(status) } : {}
  }

  function audit(c: ApiContext, fields: object, message: string): void {
    log.info({ audit: true, principal: c.env.principal.name, ...fields }, message)
  }

  return api
}

function unknownSource(name: string): Problem {
  return new Problem('source_not_found', `There is no source named ${JSON.stringify(name)}. GET /sources lists them.`)
}

function summary(changes: readonly Change[]): Summary {
  const ids = (type: Change['type']) =>
    changes.filter((change) => change.type === type).map(({ now, before }) => (now ?? before).server.id)
  return { added: ids('ADDED'), modified: ids('MODIFIED'), deleted: ids('DELETED') }
}

/** Why the monitor doubts itself, and how to make it stop. */
export function suspicionOf({ selfPreservation }: Pick<ApiPorts['monitor'], 'selfPreservation'>) {
  const found = selfPreservation()
  return found && { ...found, remedy }
}

const remedy =
  'Most of what was healthy began to fail at once, so the network of this daemon is the likelier cause. Statuses stay as they were; POST /-/trust-probes makes them follow the probes again.'

/** Why no agent is taken for dead, and how to make it stop. */
function preservationOf(
  { name, type }: SourceStatus,
  { selfPreservation }: Pick<ApiPorts['mesh'], 'selfPreservation'>,
): Pick<SourceStatus, 'self_preservation'> {
  const found = type === 'agents' ? selfPreservation() : undefined
  if (!found) return {}
  const { since, until, failing, of } = found
  const remedy = `Most agents fell silent at once, so the network of this daemon is the likelier cause: none is taken for dead. It ends when half of them are heard again, or by POST /sources/${encodeURIComponent(name)}/release.`
  const [from, to] = [since, until].map((time) => new Date(time).toISOString())
  return { self_preservation: { since: from ?? '', until: to ?? '', held: failing, of, remedy } }
}

/** Addresses and messages of a source may hold what its config keeps secret. */
function shownSource(status: SourceStatus): SourceStatus {
  return {
    ...status,
    ...(status.note === undefined ? {} : { note: redactText(status.note) }),
    ...(status.last_error === undefined ? {} : { last_error: redactText(status.last_error) }),
    origins: status.origins.map((one) => ({
      ...one,
      origin: redactText(one.origin),
      ...(one.error === undefined ? {} : { error: redactText(one.error) }),
    })),
    rejections: status.rejections.map((one) => ({
      ...one,
      origin: redactText(one.origin),
      reason: redactText(one.reason),
    })),
  }
}
