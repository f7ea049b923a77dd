import type { RegisteredServer } from '../model/change.ts'
import type { ServerQuery } from '../model/query/query.ts'
import type { McpPorts } from './endpoint.ts'

/** A server as everybody may see it: the fields asked for, with what moves at every probe where `view` is `full`. */
export function serverView(
  { server: { id }, json }: RegisteredServer,
  { fields, view }: Pick<ServerQuery, 'fields' | 'view'>,
  volatile: McpPorts['volatile'],
): Record<string, unknown> {
  const plain = JSON.parse(json().toString()) as { health: object; [field: string]: unknown }
  const shown = view === 'full' ? { ...plain, health: { ...plain.health, ...volatile(id) } } : plain
  if (fields.length === 0) return shown
  return Object.fromEntries(fields.flatMap((field) => (shown[field] === undefined ? [] : [[field, shown[field]]])))
}
