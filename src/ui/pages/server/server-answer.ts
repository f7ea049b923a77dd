import type { Server, ServerDetails } from '../../../client/index.ts'

/** `GET /servers/{namespace}/{name}`. */
export type ServerAnswer = Server & {
  readonly health: ServerDetails['health']
  readonly where?: string
  /** Switched on or off above all sources; `by` names the token, `at` is RFC 3339. */
  readonly override?: { readonly enabled: boolean; readonly by: string; readonly at: string }
}

export type ServerCapability = Server['capabilities'][number]

/** What the registry adds to a definition. */
const registryFields = new Set([
  'id',
  'status',
  'health',
  'source',
  'origin',
  'where',
  'discovery_method',
  'shadows',
  'stale',
  'override',
  'created_at',
  'updated_at',
  'resource_version',
])

/** What a definition need not say. */
const defaults: Readonly<Record<string, unknown>> = {
  namespace: 'default',
  enabled: true,
  auto_reconnect: true,
  max_retries: 3,
  retry_delay: 5,
  health_check_interval: 30,
}

/** The definition of a server as a person would write it: without what the registry adds, learns or assumes. */
export function writtenDefinition(server: ServerAnswer): Readonly<Record<string, unknown>> {
  const declared = server.capabilities.filter(({ origin }) => origin === 'declared')
  const fields = Object.entries({ ...server, capabilities: declared }).filter(
    ([key, value]) => !registryFields.has(key) && value !== defaults[key] && !isEmpty(value),
  )
  return Object.fromEntries(fields)
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
}

/** The path of a server in the API. */
export function serverPath({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `servers/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}
