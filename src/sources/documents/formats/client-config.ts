import { isFields } from '../entry.ts'

/** Spellings of MCP clients, and the field each one means. */
const spellings: Readonly<Record<string, string>> = {
  serverUrl: 'url',
  server_url: 'url',
  httpUrl: 'url',
  transportType: 'type',
  environment: 'env',
  http_headers: 'headers',
}

const localities: Readonly<Record<string, string | undefined>> = { local: 'stdio', remote: undefined }

/**
 * A server as clients spell it, in our spelling.
 *
 * Claude, Cursor and VS Code differ from ours only in `type`, which the definition itself understands; Windsurf says
 * `serverUrl`, Gemini `httpUrl`, Cline `disabled` and `transportType`, OpenCode `environment` and a `command` that is a list.
 */
export function normalizeClientServer(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const server: Record<string, unknown> = { ...given }
  for (const [theirs, ours] of Object.entries(spellings)) {
    if (server[theirs] === undefined || isFields(server[theirs]) !== (ours === 'env' || ours === 'headers')) continue
    server[ours] ??= server[theirs]
    delete server[theirs]
  }
  if (given['httpUrl'] !== undefined) server['type'] ??= 'http'
  if (given['disabled'] === true) server['enabled'] ??= false
  const type = given['type']
  if (typeof type === 'string' && Object.hasOwn(localities, type)) server['type'] = localities[type]
  if (Array.isArray(given['command'])) {
    const [command, ...args] = given['command'] as unknown[]
    Object.assign(server, {
      command,
      args: [...args, ...(Array.isArray(given['args']) ? (given['args'] as unknown[]) : [])],
    })
  }
  return server
}

/** Whether a map says how to reach a server, and so can be nothing else. */
export function looksLikeServer(value: unknown): value is Record<string, unknown> {
  if (!isFields(value)) return false
  if (typeof value['command'] === 'string' || Array.isArray(value['command'])) return true
  return ['url', 'serverUrl', 'server_url', 'httpUrl'].some((key) => typeof value[key] === 'string')
}
