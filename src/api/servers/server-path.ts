import { defaultNamespace, Namespace, type ServerId, serverId, ServerName } from '../../model/names.ts'

/**
 * The server that the rest of a path names: `weather`, `team-a/weather`, with URL-encoded names; undefined where it
 * can name none.
 */
export function serverIdIn(rest: string): ServerId | undefined {
  const parts = rest.replace(/\/$/, '').split('/')
  if (parts.length > 2) return undefined
  const [first, second] = parts.map(decoded)
  if (first === undefined) return undefined
  if (parts.length === 1) return ServerName.safeParse(first).success ? serverId(defaultNamespace, first) : undefined
  if (second === undefined || !Namespace.safeParse(first).success || !ServerName.safeParse(second).success)
    return undefined
  return serverId(first, second)
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    // Text that is no percent-encoding names nothing.
    return undefined
  }
}
