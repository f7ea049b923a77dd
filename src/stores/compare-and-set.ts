import type { StoreOperation, OperationOutcome, Registration } from './store.ts'

const most = { name: 253, namespace: 63, definition: 1024 * 1024, text: 1024 } as const

/** Why no store could keep what the operation holds; undefined when all can. */
export function rejectionReason(operation: StoreOperation): string | undefined {
  const { namespace, name } = operation
  const known = textProblem('name', name, most.name) ?? textProblem('namespace', namespace, most.namespace)
  if (known !== undefined || operation.type === 'delete') return known
  const { definition, lease } = operation
  const texts =
    textProblem('definition', definition, most.definition) ??
    textProblem('instance_id', lease?.instance_id, most.text) ??
    textProblem('holder', lease?.holder, most.text)
  if (texts !== undefined) return texts
  if (Number.isNaN(Date.parse(operation.created_at ?? '1970'))) return 'created_at must be a time'
  if (lease === undefined) return undefined
  return Number.isFinite(lease.timeout) && Number.isFinite(lease.eviction)
    ? undefined
    : 'lease must hold finite numbers'
}

/** Databases take neither NUL nor halves of a character, and each has its own idea of how long is too long. */
export function textProblem(what: string, text: string | undefined, limit: number): string | undefined {
  if (text === undefined) return undefined
  if (text.length > limit) return `${what} must be at most ${limit} characters`
  if (text.includes('\0')) return `${what} must not hold a NUL character`
  return text.isWellFormed() ? undefined : `${what} must be well-formed Unicode`
}

/** What must be known of what is there, to judge an operation on it. */
export type CurrentVersion = Pick<Registration, 'resource_version' | 'created_at'>

type AppliedOperation<Current> =
  | Extract<OperationOutcome, { type: 'put' }>
  | { readonly type: 'deleted'; readonly before: Current; readonly resource_version: string }
  | { readonly type: 'conflict'; readonly current: Current | undefined }

/**
 * What becomes of one operation where `current` stands: the rule of compare-and-set, the same for every store.
 *
 * `version` is the one it gets if it takes effect, `now` the store's time.
 */
export function applyOperation<Current extends CurrentVersion>(
  operation: StoreOperation,
  current: Current | undefined,
  { version, now }: { version: string; now: string },
): AppliedOperation<Current> {
  if (!isPreconditionMet(operation.expect, current)) return { type: 'conflict', current }
  if (operation.type === 'delete') {
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

/** What a put makes, with what the store adds to it. */
export function toRegistration(
  { kind, namespace, name, definition, lease }: Extract<StoreOperation, { type: 'put' }>,
  stored: CurrentVersion & Pick<Registration, 'updated_at'>,
): Registration {
  return { kind, namespace, name, definition, ...(lease && { lease }), ...stored }
}

function isPreconditionMet(expect: StoreOperation['expect'], current: CurrentVersion | undefined): boolean {
  if (expect === 'any') return true
  return expect === 'none' ? current === undefined : current?.resource_version === expect.version
}
