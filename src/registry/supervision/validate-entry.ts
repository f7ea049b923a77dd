import type * as z from 'zod'
import { fieldOf } from '../../model/data/excerpt.ts'
import { type ServerId, serverId } from '../../model/names.ts'
import { redactedReason } from '../../model/redaction/redact-reason.ts'
import { zodMessage } from '../../model/schema/zod-messages.ts'
import { ServerDefinition } from '../../model/server.ts'
import type { Entry, RegisteredEntry } from '../../model/source.ts'
import type { Rejection } from '../../model/status.ts'

/** What a source is trusted with. */
export type Trust = {
  /** Whether an entry of this namespace may be a command that clients start. */
  readonly stdio: (namespace: string) => boolean
  /** Whether an entry of this namespace may name variables whose values are shown. */
  readonly plain?: (namespace: string) => boolean
  /** Whether a sudden shrink is held until a second read confirms it. */
  readonly questionsShrinks: boolean
}

/** The parts of an entry beside its definition. */
type EntryDetails = Pick<RegisteredEntry, 'reported'> & Partial<RegisteredEntry> & { readonly where?: string }

/** A validated entry: its definition, or why it is rejected. */
export type ValidatedEntry =
  | {
      readonly id: ServerId
      readonly definition: ServerDefinition
      readonly entry: EntryDetails
    }
  | {
      readonly id: ServerId | undefined
      readonly rejection: Omit<Rejection, 'kept'>
      /** Rejected for lack of trust: its last good version is dropped too. */
      readonly isForbidden: boolean
    }

/** Validates one entry of `source` at `origin`. */
export function validateEntry(entry: Entry, origin: string, source: string, trust: Trust): ValidatedEntry {
  if ('problem' in entry) {
    const { problem, isExpected = false, name, namespace = 'default', where } = entry
    const id = name === undefined ? undefined : serverId(namespace, name)
    return {
      id,
      rejection: { origin, where, name, reason: problem, ...(isExpected && { isExpected }) },
      isForbidden: false,
    }
  }
  if ('definition' in entry) return applyTrust(entry.definition, entry)
  const { value, where } = entry
  const parsed = ServerDefinition.safeParse(value, { error: zodMessage })
  if (!parsed.success) {
    return {
      id: idIn(value),
      rejection: { origin, where, name: nameIn(value), reason: reasonIn(parsed.error), isRedacted: true },
      isForbidden: false,
    }
  }
  return applyTrust(parsed.data, entry, where)

  function applyTrust(definition: ServerDefinition, details: EntryDetails, where?: string): ValidatedEntry {
    const { namespace, name, command } = definition
    const id = serverId(namespace, name)
    if (command === undefined || trust.stdio(namespace))
      return { id, definition: withTrustedPlain(definition, trust), entry: details }
    const reason = `source ${source} may not introduce commands; if its authors are trusted, set allow_stdio: true on it`
    return { id, rejection: { origin, where, name, reason }, isForbidden: true }
  }
}

/** Only the operator may have a value shown: others could name a variable that they cannot read. */
function withTrustedPlain(definition: ServerDefinition, trust: Trust): ServerDefinition {
  if (definition.plain === undefined || trust.plain?.(definition.namespace)) return definition
  const { plain: _plain, ...others } = definition
  return others
}

function nameIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined
  return typeof value.name === 'string' ? value.name.slice(0, 253) : undefined
}

function idIn(value: unknown): ServerId | undefined {
  const name = nameIn(value)
  if (name === undefined) return undefined
  const namespace = typeof value === 'object' && value !== null && 'namespace' in value ? value.namespace : undefined
  return serverId(typeof namespace === 'string' ? namespace : 'default', name)
}

/** One line with the path and the problem of each field; never the value, which may be a secret. */
function reasonIn(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => redactedReason({ field: fieldOf(path), problem: message }))
    .join('; ')
}
