import type { RegisteredServer } from '../model/change.ts'
import type { ServerQuery } from '../model/query/query.ts'
import type { McpPorts } from './ports.ts'

/** A server as every reader may see it: the selected fields, with the volatile ones if `view` is `full`. */
export function serverView(
  { server: { id }, json }: RegisteredServer,
  { fields, view }: Pick<ServerQuery, 'fields' | 'view'>,
  volatile: McpPorts['volatile'],
): Record<string, unknown> {
  const versioned = JSON.parse(json().toString()) as { health: object; [field: string]: unknown }
  const all = view === 'full' ? { ...versioned, health: { ...versioned.health, ...volatile(id) } } : versioned
  if (fields.length === 0) return all
  return Object.fromEntries(fields.flatMap((field) => (all[field] === undefined ? [] : [[field, all[field]]])))
}
