import type { EventFilter, EventQuery, NewEvent, StoredEvent } from '../event.ts'
import { type SqlRow, toTimestamp } from './stored-rows.ts'

type EventValue = string | number | null

/** The columns of `roster_events` in the order of `eventValues`. */
export const eventColumns =
  'id, at, type, event_type, namespace, server, agent_id, function_name, source, body, digest, writer'

const filterColumns = ['server', 'agent_id', 'function_name', 'source'] as const

/** The values of an event to store; `now` is the clock of the database. */
export function eventValues(
  event: NewEvent,
  { id, now, writer }: { id: number; now: number; writer: string },
): EventValue[] {
  const { age_ms, type, event_type, namespace, server, agent_id, function_name, source, body, digest } = event
  const texts = [namespace, server, agent_id, function_name, source].map((text) => text ?? null)
  return [id, Math.round(now - age_ms), type, event_type, ...texts, body, digest ?? null, writer]
}

export function eventFromRow(row: SqlRow): StoredEvent {
  const text = (column: string) => {
    const value = row[column]
    return typeof value === 'string' ? { [column]: value } : {}
  }
  return {
    id: String(row['id']),
    at: toTimestamp(row['at']),
    type: String(row['type']),
    event_type: String(row['event_type']),
    ...text('namespace'),
    ...text('server'),
    ...text('agent_id'),
    ...text('function_name'),
    ...text('source'),
    body: String(row['body']),
  }
}

/** The bounds of the stored events, from a row of numbers that a database server returns as text. */
export function eventBoundsFromRow(row: SqlRow | undefined) {
  const text = (column: string) => (typeof row?.[column] === 'string' ? row[column] : undefined)
  return { newest: text('newest') ?? '0', oldest: text('oldest'), now: Number(row?.['now']) }
}

/**
 * The end of a SELECT: conditions, order and limit. `bind` adds a value and returns its placeholder.
 *
 * No event beyond `newest` is selected, so that a follower misses none that becomes visible meanwhile.
 */
export function eventSelection(
  { filter, after, before, limit }: EventQuery,
  newest: string,
  bind: (value: string | number) => string,
): string {
  const conditions = [`id <= ${bind(Number(newest))}`, ...filterConditions(filter, bind)]
  if (after !== undefined) conditions.push(`id > ${bind(Number(after))}`)
  if (before !== undefined) conditions.push(`id < ${bind(Number(before))}`)
  const order = after === undefined ? 'DESC' : 'ASC'
  return `WHERE ${conditions.join(' AND ')} ORDER BY id ${order} LIMIT ${Math.trunc(limit)}`
}

function filterConditions(filter: EventFilter, bind: (value: string | number) => string): string[] {
  const oneOf = (column: string, values: readonly string[]) =>
    values.length === 0 ? '1 = 0' : `${column} IN (${values.map(bind).join(', ')})`
  const conditions = filterColumns.flatMap((column) => {
    const value = filter[column]
    if (value === undefined) return []
    return [typeof value === 'string' ? `${column} = ${bind(value)}` : oneOf(column, value)]
  })
  const { namespaces, types, since } = filter
  if (namespaces) conditions.push(oneOf('namespace', namespaces))
  if (types) conditions.push(`(${oneOf('type', types)} OR ${oneOf('event_type', types)})`)
  if (since !== undefined) conditions.push(`at >= ${bind(since)}`)
  return conditions
}
