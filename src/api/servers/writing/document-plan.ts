import { isDeepStrictEqual } from 'node:util'
import { runCooperatively } from '../../../flow/cooperative.ts'
import { isJsonObject } from '../../../model/data/json-object.ts'
import { type ServerId, serverId } from '../../../model/names.ts'
import type { Principal } from '../../../model/principal.ts'
import { redactRejection } from '../../../model/redaction/redact-reason.ts'
import type { ServerDefinition } from '../../../model/server.ts'
import { type Entry, SourceError } from '../../../model/source.ts'
import type { Rejection } from '../../../model/status.ts'
import { ignoredFieldsOf } from '../../../model/unknown-fields.ts'
import type { ManualServer } from '../../../registrations/manual-servers.ts'
import { validateEntry } from '../../../registry/supervision/validate-entry.ts'
import { createParseQueue } from '../../../sources/documents/parse-queue.ts'
import { readDocument } from '../../../sources/documents/read.ts'
import { requireNamespace } from '../../http/access/authenticator.ts'
import type { ProblemCode } from '../../http/problem-codes.ts'
import { Problem } from '../../http/problem.ts'
import type { ApiPorts } from '../../ports.ts'
import { parseDefinition } from './manual-body.ts'
import { createWriteChecks } from './write-checks.ts'

/** In bytes. */
export const maxDocumentBytes = 262_144
/** Maximum number of entries that are looked at. */
const maxEntries = 1000
/** Maximum number of ignored fields that are named of one entry. */
const maxIgnored = 20

/** An entry that could be written by hand. */
export type PlannedWrite = {
  readonly id: ServerId
  readonly definition: ServerDefinition
  /** The manual server of this name. */
  readonly before: ManualServer | undefined
  readonly action: 'create' | 'replace' | 'none'
  readonly where?: string
  /** Fields that would not be kept. */
  readonly ignored?: readonly string[]
}

/** An entry that could not be written, and why; the reason holds no secret. */
export type RefusedWrite = {
  readonly name?: string
  readonly where?: string
  readonly reason: string
  readonly code: ProblemCode
  /** Present where the entry is good, and only its name is in the way. */
  readonly definition?: ServerDefinition
}

export type DocumentPlan = {
  readonly taken: readonly PlannedWrite[]
  readonly refused: readonly RefusedWrite[]
  /** Entries that were not looked at. */
  readonly leftOff: number
}

/** Documents come from elsewhere: they are parsed with those of other hosts, with their limits of time and memory. */
const parse = createParseQueue('remote')

/** Works out what would become of the entries of a document if a principal wrote them by hand. */
export function createDocumentPlans(ports: Pick<ApiPorts, 'registry' | 'supervisor' | 'manual'>) {
  const { manual } = ports
  const { assertAllowed, assertNotOutranked, assertLoaded } = createWriteChecks(ports)

  /** Throws for a document that cannot be read. */
  async function plan(principal: Principal, document: Uint8Array | string): Promise<DocumentPlan> {
    const entries = await entriesIn(document)
    assertLoaded()
    const sorted = await runCooperatively(sort(principal, entries.slice(0, maxEntries)))
    return { ...sorted, leftOff: Math.max(0, entries.length - maxEntries) }
  }

  function* sort(principal: Principal, entries: readonly Entry[]) {
    const taken: PlannedWrite[] = []
    const refused: RefusedWrite[] = []
    const seen = new Set<ServerId>()
    for (const entry of entries) {
      yield
      const outcome = outcomeOf(principal, entry, seen)
      if ('reason' in outcome) refused.push(outcome)
      else taken.push(outcome)
    }
    return { taken, refused }
  }

  function outcomeOf(principal: Principal, entry: Entry, seen: Set<ServerId>): PlannedWrite | RefusedWrite {
    const { name: source, allow_stdio } = manual.source()
    const trust = { stdio: () => allow_stdio, plain: () => true, questionsShrinks: false }
    const validated = validateEntry(entry, '', source, trust)
    if ('rejection' in validated)
      return refusedOf(validated.rejection, validated.isForbidden ? 'stdio_forbidden' : 'invalid_definition')
    const { id, definition } = validated
    const where = 'where' in entry && entry.where !== undefined ? { where: entry.where } : {}
    try {
      requireNamespace(principal, definition.namespace)
      assertAllowed(definition)
      parseDefinition(definition)
      if (seen.has(id)) throw new Problem('server_exists', `The document names "${id}" more than once.`)
      assertNotOutranked(id)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { code, message: reason, isRedacted } = error
      const isNameTaken = code === 'server_exists' || code === 'server_owned_by_source'
      const rejection = { origin: '', name: definition.name, ...where, reason, isRedacted }
      return { ...refusedOf(rejection, code), ...(isNameTaken && { definition }) }
    }
    seen.add(id)
    const before = manual.get(id)
    const ignored =
      'value' in entry && isJsonObject(entry.value) ? ignoredFieldsOf(entry.value).slice(0, maxIgnored) : []
    return {
      id,
      definition,
      before,
      action: actionOf(before, definition),
      ...where,
      ...(ignored.length > 0 && { ignored }),
    }
  }

  /** A name like the wanted one that no server of the namespace has; the wanted one itself where all are taken. */
  function freeName(namespace: string, wanted: string): string {
    const names = [wanted, ...Array.from({ length: maxSuffix - 1 }, (_, at) => `${wanted}-${at + 2}`)]
    const isFree = (name: string) =>
      !ports.registry.get(serverId(namespace, name)) && !manual.get(serverId(namespace, name))
    return names.find(isFree) ?? wanted
  }

  return { plan, freeName }
}

const maxSuffix = 99

function actionOf(before: ManualServer | undefined, definition: ServerDefinition): PlannedWrite['action'] {
  if (!before) return 'create'
  return isDeepStrictEqual(before.definition, definition) ? 'none' : 'replace'
}

function refusedOf(rejection: Omit<Rejection, 'kept'>, code: ProblemCode): RefusedWrite {
  const { name, where, reason } = redactRejection({ ...rejection, kept: false })
  return { ...(name !== undefined && { name }), ...(where !== undefined && { where }), reason, code }
}

async function entriesIn(document: Uint8Array | string): Promise<readonly Entry[]> {
  try {
    return await readDocument(document, { maxBytes: maxDocumentBytes, parse })
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    const where = error.where === undefined ? '' : ` (${error.where})`
    throw new Problem('invalid_document', `The document cannot be read: ${error.message}${where}.`)
  }
}
