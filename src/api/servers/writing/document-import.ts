import * as z from 'zod'
import { mapConcurrent } from '../../../flow/map-concurrent.ts'
import type { ServerId } from '../../../model/names.ts'
import { redactRejection } from '../../../model/redaction/redact-reason.ts'
import { zodMessage } from '../../../model/schema/zod-messages.ts'
import { requireRole } from '../../http/access/authenticator.ts'
import { readJson } from '../../http/body.ts'
import type { ApiContext } from '../../http/context.ts'
import { assertKnownParameters, isDryRun } from '../../http/parameters.ts'
import { Problem } from '../../http/problem.ts'
import { respondJson } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import { createDocumentPlans, type DocumentPlan, type PlannedWrite, type RefusedWrite } from './document-plan.ts'
import { storeUnavailable } from './manual-problems.ts'
import { previewOf, refusedEntry } from './preview.ts'
import { createWriteChecks } from './write-checks.ts'

/** The document as a JSON text, and the names of its servers. */
const maxBodyBytes = 1_048_576
/** Writes under way; the store commits those of one moment together. */
const maxConcurrency = 16

const ImportBody = z.strictObject({
  document: z.string(),
  /** Ids of the servers to write; without, all that can be. */
  servers: z.array(z.string().max(400)).max(1000).optional(),
})

type Written = { readonly id: ServerId; readonly action: PlannedWrite['action'] }

/** Writes the servers of a document by hand, each for itself: one that is refused leaves the others. */
export function createDocumentImport(
  ports: Pick<ApiPorts, 'registry' | 'supervisor' | 'manual' | 'journal' | 'log'>,
): (c: ApiContext) => Promise<Response> {
  const { registry, manual, journal, log } = ports
  const { plan } = createDocumentPlans(ports)
  const { withProblems } = createWriteChecks(ports)

  async function write(
    c: ApiContext,
    { id, definition, before, action }: PlannedWrite,
  ): Promise<Written | RefusedWrite> {
    if (action === 'none') return { id, action }
    const { principal } = c.env
    const expected = before ? { version: before.stored.resource_version } : 'none'
    const token = registry.token()
    try {
      const { created } = await withProblems(() => manual.put(definition, expected))
      journal.attribute(id, principal.name)
      const fields = { audit: true, principal: principal.name, server: id, before: token, after: registry.token() }
      log.info(fields, `manual server ${created ? 'created' : 'replaced'}`)
      return { id, action }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { name, reason } = redactRejection({
        origin: '',
        name: definition.name,
        reason: error.message,
        kept: false,
      })
      return { ...(name !== undefined && { name }), reason, code: error.code }
    }
  }

  return async (c) => {
    const { url = '' } = c.env.incoming
    requireRole(c.env.principal, 'admin')
    assertKnownParameters(url, ['dry_run'])
    const isRehearsed = isDryRun(url)
    const { document, servers } = parseBody(await readJson(c, maxBodyBytes))
    const planned = chosenOf(await plan(c.env.principal, document), servers)
    if (isRehearsed) return respondJson(c, previewOf(planned))
    if (!manual.isPublished()) throw storeUnavailable({ retry_after: 1 })
    const outcomes = await mapConcurrent(planned.taken, maxConcurrency, (one) => write(c, one))
    return respondJson(c, {
      written: outcomes.filter((one) => 'action' in one),
      refused: [...planned.refused.map(refusedEntry), ...outcomes.filter((one) => 'reason' in one)],
      ...(planned.leftOff > 0 && { left_off: planned.leftOff }),
    })
  }
}

/** The part of a plan that was chosen; what is chosen and cannot be taken is refused. */
function chosenOf(planned: DocumentPlan, ids: readonly string[] | undefined): DocumentPlan {
  if (!ids) return planned
  const chosen = new Set(ids)
  const taken = planned.taken.filter(({ id }) => chosen.has(id))
  const found = new Set<string>(taken.map(({ id }) => id))
  const missing = [...chosen]
    .filter((id) => !found.has(id))
    .map((id): RefusedWrite => {
      const reason = 'The document has no server of this id that can be written; its preview says why.'
      return { name: id, reason, code: 'server_not_found' }
    })
  return { taken, refused: missing, leftOff: planned.leftOff }
}

function parseBody(body: unknown): z.output<typeof ImportBody> {
  const parsed = ImportBody.safeParse(body, { error: zodMessage })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Problem(
    'invalid_import',
    `The body must be { "document": "…", "servers": ["namespace/name"] }: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`,
  )
}
