import { isFields } from '../entry.ts'

/** Field names of MCP clients, and ours. */
const clientFieldNames: Readonly<Record<string, string>> = {
  serverUrl: 'url',
  server_url: 'url',
  httpUrl: 'url',
  transportType: 'type',
  environment: 'env',
  http_headers: 'headers',
}

/** Values of `type` in OpenCode. `remote` leaves the transport to the definition. */
const clientTypes: Readonly<Record<string, string | undefined>> = { local: 'stdio', remote: undefined }

/**
 * Converts a server of a client's config to our field names.
 *
 * Claude, Cursor and VS Code differ from ours only in `type`, whose synonyms the definition accepts. Windsurf writes
 * `serverUrl`, Gemini `httpUrl`, Cline `disabled` and `transportType`, OpenCode `environment` and a list as `command`.
 */
export function normalizeClientServer(clientServer: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const server: Record<string, unknown> = { ...clientServer }
  for (const [theirs, ours] of Object.entries(clientFieldNames)) {
    if (server[theirs] === undefined || isFields(server[theirs]) !== (ours === 'env' || ours === 'headers')) continue
    server[ours] ??= server[theirs]
    delete server[theirs]
  }
  if (clientServer['httpUrl'] !== undefined) server['type'] ??= 'http'
  if (clientServer['disabled'] === true) server['enabled'] ??= false
  const type = clientServer['type']
  if (typeof type === 'string' && Object.hasOwn(clientTypes, type)) server['type'] = clientTypes[type]
  if (Array.isArray(clientServer['command'])) {
    const [command, ...args] = clientServer['command'] as unknown[]
    Object.assign(server, {
      command,
      args: [...args, ...(Array.isArray(clientServer['args']) ? (clientServer['args'] as unknown[]) : [])],
    })
  }
  return server
}

/** Whether a map has a command or an address, so that it must be a server. */
export function looksLikeServer(value: unknown): value is Record<string, unknown> {
  if (!isFields(value)) return false
  if (typeof value['command'] === 'string' || Array.isArray(value['command'])) return true
  return ['url', 'serverUrl', 'server_url', 'httpUrl'].some((key) => typeof value[key] === 'string')
}
