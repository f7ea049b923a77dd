import { isDeepStrictEqual } from 'node:util'
import { runCooperatively } from '../../../flow/cooperative.ts'
import type { ServerId } from '../../../model/names.ts'
import { redactRejection } from '../../../model/redaction/redact-reason.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import { type Entry, SourceError } from '../../../model/source.ts'
import type { Rejection } from '../../../model/status.ts'
import { validateEntry } from '../../../registry/supervision/validate-entry.ts'
import { createParseQueue } from '../../../sources/documents/parse-queue.ts'
import { readDocument } from '../../../sources/documents/read.ts'
import { requireNamespace, requireRole } from '../../http/access/authenticator.ts'
import { receiveBody } from '../../http/body.ts'
import type { ApiContext } from '../../http/context.ts'
import { assertKnownParameters } from '../../http/parameters.ts'
import { Problem } from '../../http/problem.ts'
import { respondJson } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import { parseDefinition } from './manual-body.ts'
import { createWriteChecks } from './write-checks.ts'

const maxBodyBytes = 262_144
/** Maximum number of entries that are looked at; the answer says how many are left off. */
const maxEntries = 1000

type Taken = { readonly action: 'create' | 'replace' | 'none'; readonly where?: string; readonly server: object }
type Refused = { readonly name?: string; readonly where?: string; readonly reason: string }

/** Documents come from elsewhere: they are parsed with those of other hosts, with their limits of time and memory. */
const parse = createParseQueue('remote')

/** Says what would become of the entries of a document if they were written by hand; writes nothing. */
export function createPreview(ports: Pick<ApiPorts, 'registry' | 'supervisor' | 'manual'>) {
  const { manual } = ports
  const { assertAllowed, assertNotOutranked, assertLoaded } = createWriteChecks(ports)

  async function preview(c: ApiContext): Promise<Response> {
    requireRole(c.env.principal, 'admin')
    assertKnownParameters(c.env.incoming.url ?? '')
    const entries = await entriesIn(await readBody(c))
    assertLoaded()
    const { taken, refused } = await runCooperatively(sort(c, entries.slice(0, maxEntries)))
    const left_off = Math.max(0, entries.length - maxEntries)
    return respondJson(c, { dry_run: true, taken, refused, ...(left_off > 0 && { left_off }) })
  }

  function* sort(c: ApiContext, entries: readonly Entry[]) {
    const taken: Taken[] = []
    const refused: Refused[] = []
    const seen = new Set<ServerId>()
    for (const entry of entries) {
      yield
      const outcome = outcomeOf(c, entry, seen)
      if ('reason' in outcome) refused.push(outcome)
      else taken.push(outcome)
    }
    return { taken, refused }
  }

  function outcomeOf(c: ApiContext, entry: Entry, seen: Set<ServerId>): Taken | Refused {
    const { name: source, allow_stdio } = manual.source()
    const trust = { stdio: () => allow_stdio, plain: () => true, questionsShrinks: false }
    const validated = validateEntry(entry, '', source, trust)
    if ('rejection' in validated) return refusedOf(validated.rejection)
    const { id, definition } = validated
    const where = 'where' in entry && entry.where !== undefined ? { where: entry.where } : {}
    try {
      if (seen.has(id)) throw new Problem('server_exists', `The document names "${id}" more than once.`)
      requireNamespace(c.env.principal, definition.namespace)
      assertAllowed(definition)
      assertNotOutranked(id)
      parseDefinition(definition)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return refusedOf({
        origin: '',
        name: definition.name,
        ...where,
        reason: error.message,
        isRedacted: error.isRedacted,
      })
    }
    seen.add(id)
    const before = manual.get(id)?.definition
    const action = !before ? 'create' : isDeepStrictEqual(before, definition) ? 'none' : 'replace'
    return {
      action,
      ...where,
      server: { id, ...redactServer(definition) },
    }
  }

  return preview
}

function refusedOf(rejection: Omit<Rejection, 'kept'>): Refused {
  const { name, where, reason } = redactRejection({ ...rejection, kept: false })
  return { ...(name !== undefined && { name }), ...(where !== undefined && { where }), reason }
}

function readBody({ env: { incoming } }: ApiContext): Promise<Buffer> {
  return new Promise((done, fail) => receiveBody(incoming, maxBodyBytes, { done, fail }))
}

async function entriesIn(bytes: Buffer): Promise<readonly Entry[]> {
  try {
    return await readDocument(bytes, { maxBytes: maxBodyBytes, parse })
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    const where = error.where === undefined ? '' : ` (${error.where})`
    throw new Problem('invalid_document', `The document cannot be read: ${error.message}${where}.`)
  }
}
