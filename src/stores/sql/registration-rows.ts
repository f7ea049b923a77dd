import type { RegistrationKind, LeaseFacts, Registration } from '../store.ts'

export type Row = Record<string, unknown>

/** A registration as its row says; times are milliseconds. */
export function registrationOf(row: Row): Registration {
  const lease = leaseOf(row)
  return {
    kind: row['kind'] as RegistrationKind,
    namespace: String(row['namespace']),
    name: String(row['name']),
    definition: String(row['definition']),
    ...(lease && { lease }),
    resource_version: String(row['version']),
    created_at: timeOf(row['created_at']),
    updated_at: timeOf(row['updated_at']),
  }
}

function leaseOf(row: Row): LeaseFacts | undefined {
  if (row['timeout_threshold'] === null) return undefined
  return {
    timeout: Number(row['timeout_threshold']),
    eviction: Number(row['eviction_threshold']),
    ...(row['instance_id'] !== null && { instance_id: row['instance_id'] as string }),
    ...(row['holder'] !== null && { holder: row['holder'] as string }),
  }
}

/** Milliseconds since 1970, a number or the text of one, as RFC 3339. */
export function timeOf(ms: unknown): string {
  return new Date(Number(ms)).toISOString()
}

/** The columns of a registration but its version, in the order in which all statements name them. */
export function columnsOf(registration: Registration): (string | number | null)[] {
  const { kind, namespace, name, definition, lease, created_at, updated_at } = registration
  return [
    kind,
    kind === 'agent' ? name : `${namespace}/${name}`,
    namespace,
    name,
    definition,
    lease?.timeout ?? null,
    lease?.eviction ?? null,
    lease?.instance_id ?? null,
    lease?.holder ?? null,
    Date.parse(created_at),
    Date.parse(updated_at),
  ]
}

/** Their names, in the same order. */
export const columns =
  'kind, id, namespace, name, definition, timeout_threshold, eviction_threshold, instance_id, holder, created_at, updated_at'
