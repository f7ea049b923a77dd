import { maxEventLengths, type NewEvent } from './event.ts'
import { type JoiningMember, maxMemberLengths } from './member.ts'
import type { OperationOutcome, StoredHeartbeat, StoredRegistration, StoreOperation } from './store.ts'
import { maxVerdictBytes, maxVerdictLengths, type StoredVerdict } from './verdict.ts'

/** In characters. */
const maxLengths = { name: 253, namespace: 63, definition: 1024 * 1024, text: 1024 } as const

/** Why no store can hold the values of an operation; undefined where every store can. */
export function rejectionReason(operation: StoreOperation): string | undefined {
  const { namespace, name } = operation
  const keyProblem =
    textProblem('name', name, maxLengths.name) ?? textProblem('namespace', namespace, maxLengths.namespace)
  if (keyProblem !== undefined || operation.type !== 'put') return keyProblem
  const { definition, lease } = operation
  const valueProblem =
    textProblem('definition', definition, maxLengths.definition) ??
    textProblem('instance_id', lease?.instance_id, maxLengths.text) ??
    textProblem('holder', lease?.holder, maxLengths.text)
  if (valueProblem !== undefined) return valueProblem
  if (Number.isNaN(Date.parse(operation.created_at ?? '1970'))) return 'created_at must be a time'
  if (lease === undefined) return undefined
  return Number.isFinite(lease.timeout) && Number.isFinite(lease.eviction)
    ? undefined
    : 'lease must hold finite numbers'
}

/** Why no store can hold an event; undefined where every store can. */
export function eventProblem(event: NewEvent): string | undefined {
  const { text, server, body } = maxEventLengths
  for (const field of ['type', 'event_type', 'namespace', 'agent_id', 'function_name', 'source', 'digest'] as const) {
    const problem = textProblem(field, event[field], text)
    if (problem !== undefined) return problem
  }
  return textProblem('server', event.server, server) ?? textProblem('body', event.body, body)
}

/** Why no store can hold a member; undefined where every store can. */
export function memberProblem(member: JoiningMember): string | undefined {
  for (const [field, maxLength] of Object.entries(maxMemberLengths) as [keyof typeof maxMemberLengths, number][]) {
    const problem = textProblem(field, member[field], maxLength)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Why no store can hold a verdict; undefined where every store can. */
export function verdictProblem(one: StoredVerdict): string | undefined {
  for (const [field, maxLength] of Object.entries(maxVerdictLengths) as [keyof StoredVerdict, number][]) {
    const problem = textProblem(field, one[field], maxLength)
    if (problem !== undefined) return problem
  }
  return Buffer.byteLength(one.verdict) > maxVerdictBytes
    ? `verdict must be at most ${maxVerdictBytes} bytes`
    : undefined
}

/** Why a text cannot be stored. Databases reject NUL and lone surrogates, and differ in their maximum lengths. */
export function textProblem(field: string, text: string | undefined, maxLength: number): string | undefined {
  if (text === undefined) return undefined
  if (text.length > maxLength) return `${field} must be at most ${maxLength} characters`
  if (text.includes('\0')) return `${field} must not hold a NUL character`
  return text.isWellFormed() ? undefined : `${field} must be well-formed Unicode`
}

/** The fields of the stored registration that the outcome of an operation depends on. */
export type CurrentVersion = Pick<StoredRegistration, 'resource_version' | 'created_at'>

type AppliedOperation<Current> =
  | Extract<OperationOutcome, { type: 'put' }>
  | { readonly type: 'deleted'; readonly before: Current; readonly resource_version: string }
  | Extract<OperationOutcome, { type: 'confirmed' | 'alive' | 'fenced' }>
  | { readonly type: 'conflict'; readonly current: Current | undefined }

type AppliedAt = {
  readonly version: string
  readonly now: string
  /** The last heartbeat of the agent, where another daemon received it. */
  readonly foreignHeartbeat?: StoredHeartbeat | undefined
  /** The term of the operation's fence is over. */
  readonly isFenced?: boolean
}

/**
 * The outcome of one operation on the registration that is `current`: compare-and-set, the same for every store.
 *
 * `version` is assigned if the operation takes effect; `now` is the time of the store.
 */
export function applyOperation<Current extends CurrentVersion>(
  operation: StoreOperation,
  current: Current | undefined,
  { version, now, foreignHeartbeat, isFenced = false }: AppliedAt,
): AppliedOperation<Current> {
  if (isFenced) return { type: 'fenced' }
  if (!isPreconditionMet(operation.expect, current)) return { type: 'conflict', current }
  if (operation.type === 'confirm') return { type: 'confirmed' }
  const isAlive = operation.type === 'retire' && foreignHeartbeat && foreignHeartbeat.age_ms < operation.silent_ms
  if (isAlive) return { type: 'alive', heartbeat: foreignHeartbeat }
  if (operation.type !== 'put') {
    if (current === undefined) return { type: 'conflict', current }
    return { type: 'deleted', before: current, resource_version: version }
  }
  const { created_at = now } = operation
  const registration = toRegistration(operation, {
    resource_version: version,
    created_at: current?.created_at ?? new Date(created_at).toISOString(),
    updated_at: now,
  })
  return { type: 'put', registration, created: current === undefined }
}

/** Whether an operation takes a version where it takes effect. */
export function isWrite({ type }: StoreOperation): boolean {
  return type !== 'confirm'
}

/** The registration that a put makes, from the operation and the fields that the store assigns. */
export function toRegistration(
  { kind, namespace, name, definition, lease }: Extract<StoreOperation, { type: 'put' }>,
  assigned: CurrentVersion & Pick<StoredRegistration, 'updated_at'>,
): StoredRegistration {
  return { kind, namespace, name, definition, ...(lease && { lease }), ...assigned }
}

/** Whether what is stored is what a write expects. */
export function isPreconditionMet(
  expect: StoreOperation['expect'],
  current: Pick<CurrentVersion, 'resource_version'> | undefined,
): boolean {
  if (expect === 'any') return true
  return expect === 'none' ? current === undefined : current?.resource_version === expect.version
}
