import type { Fence, JoiningMember, StoredMember } from '../member.ts'
import type { SqlRow } from './stored-rows.ts'

/** The columns of `roster_members` in the order of `memberValues`. */
export const memberColumns = 'id, incarnation, lease_ms, build, address, schema_version'

/** The values of a member; `schema` is the schema version that this daemon knows. */
export function memberValues(
  { id, incarnation, lease_ms, build, address }: JoiningMember,
  schema: number,
): (string | number | null)[] {
  return [id, incarnation, Math.round(lease_ms), build, address ?? null, schema]
}

/**
 * The condition that a member is alive. A clock that was set back must not keep a dead one alive, so a renewal in the future counts
 * as one in the past.
 */
export const isAlive = (now: string) => `ABS(${now} - seen_at) < lease_ms`

/** Members from their rows, with `joined_ms` and `seen_ms`, in the order of their ids. */
export function membersFromRows(rows: readonly SqlRow[]): StoredMember[] {
  return rows.map(memberFromRow).toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

function memberFromRow(row: SqlRow): StoredMember {
  const address = row['address']
  return {
    id: String(row['id']),
    incarnation: String(row['incarnation']),
    lease_ms: Number(row['lease_ms']),
    build: String(row['build']),
    ...(typeof address === 'string' && { address }),
    schema: Number(row['schema_version']),
    joined_ms: Math.max(0, Number(row['joined_ms'])),
    seen_ms: Math.max(0, Number(row['seen_ms'])),
  }
}

/** The values of the condition that a term lasts: without a fence it always holds. */
export function fenceValues(fence: Fence | undefined): readonly [string | null, string | null] {
  return fence ? [fence.id, fence.incarnation] : [null, null]
}
