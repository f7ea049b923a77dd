import type { RegisteredServer } from '../src/model/change.ts'
import { serverId } from '../src/model/names.ts'
import { type Server, ServerDefinition } from '../src/model/server.ts'
import type { Entry, Reading } from '../src/model/source.ts'

/** A raw entry as a source yields it. */
export function entry(value: Record<string, unknown> = {}): Entry {
  return { value: { name: 'weather', url: 'http://weather.example/mcp', ...value } }
}

/** A reading of valid entries with the given names. */
export function reading(origin: string, ...names: readonly string[]): Reading {
  return { origin, entries: names.map((name) => entry({ name })) }
}

/** A server as the API shows it, with overrides. */
export function server(fields: Partial<Server> = {}): Server {
  const definition = ServerDefinition.parse({ name: 'weather', url: 'http://weather.example/mcp', ...fields })
  return {
    id: serverId(definition.namespace, definition.name),
    status: 'pending',
    health: { since: '2026-01-01T00:00:00.000Z' },
    source: 'test',
    origin: 'test',
    discovery_method: 'manual',
    shadows: [],
    stale: false,
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    resource_version: '1',
    ...fields,
    ...definition,
    health_check_interval: definition.health_check_interval ?? 30,
  }
}

/** Fields of a server; without an interval it has that of the config. */
type ServerFields = Partial<Omit<Server, 'health_check_interval'>> & {
  readonly health_check_interval?: number | undefined
}

/** A server as the registry holds it. */
export function registered({ health_check_interval, ...others }: ServerFields = {}): RegisteredServer {
  const fields = { ...others, ...(health_check_interval !== undefined && { health_check_interval }) }
  const shown = server(fields)
  return {
    server: shown,
    reach: 'any',
    probeInterval: health_check_interval,
    json: () => Buffer.from(JSON.stringify(shown)),
  }
}
