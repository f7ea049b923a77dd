import { getPath } from 'hono/utils/url'
import { publicReadHeaders } from '../http/access/cors.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respond } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { parsePageRequest } from './list-params.ts'
import type { Published, PublishedEntry } from './published.ts'
import { createReadyCache } from './ready-cache.ts'

/**
 * The read API of the official MCP registry, which VS Code, Copilot, ToolHive and the Docker gateway use.
 * https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/api/openapi.yaml
 */
export function v01Api({
  published,
  ...ports
}: Pick<ApiPorts, 'registry' | 'supervisor'> & { published: Pick<Published, 'find' | 'page' | 'domain'> }) {
  const api = createRoutes()
  const cache = createReadyCache(ports)
  const key = (text: string) => `${published.domain()} ${text}`

  async function list(c: ApiContext): Promise<Response> {
    const { search, searchParams } = new URL(c.req.url)
    const page = parsePageRequest(searchParams)
    const encode = async (syncing: readonly string[]) => {
      const { servers, nextCursor } = await published.page(page)
      return jsonBytes({
        servers,
        metadata: {
          ...(nextCursor !== undefined && { nextCursor }),
          count: servers.length,
          ...(syncing.length > 0 && { syncing }),
        },
      })
    }
    return respond(c, await cache.answer(key(search), encode))
  }

  /** A server has one version: its current one. */
  async function show(c: ApiContext): Promise<Response> {
    const version = c.req.param('version') ?? 'latest'
    const encode = async () => {
      const entry = entryIn(c)
      if (version !== 'latest' && entry.server.version !== version)
        throw notFound('server_version_not_found', 'Server version not found')
      return jsonBytes(entry)
    }
    return respond(c, await cache.answer(key(c.req.path), encode))
  }

  async function versions(c: ApiContext): Promise<Response> {
    const encode = async () => jsonBytes({ servers: [entryIn(c)], metadata: { count: 1 } })
    return respond(c, await cache.answer(key(c.req.path), encode))
  }

  function entryIn(c: ApiContext): PublishedEntry {
    const entry = published.find(c.req.param('name') ?? '')
    if (!entry) throw notFound('server_not_found', 'Server not found')
    return entry
  }

  api.get('/servers', (c) => list(c))
  api.get('/servers/:name', (c) => show(c))
  api.get('/servers/:name/versions', (c) => versions(c))
  api.get('/servers/:name/versions/:version', (c) => show(c))
  return api
}

function notFound(code: 'server_not_found' | 'server_version_not_found', detail: string): Problem {
  return new Problem(code, detail, { headers: publicReadHeaders })
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** A path with a name whose slash is not encoded, followed by nothing or by its versions. */
const unencodedName = /^(\/v0(?:\.1)?\/servers\/)([^/]+)\/(?!versions(?:\/|$))([^/]+)(?=\/versions(?:\/|$)|\/?$)/

/** The path by which a request is routed. Some clients do not encode the slash of a name under `/v0.1`; this one does. */
export function pathWithEncodedName(request: Request): string {
  const path = getPath(request)
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  return plain.startsWith('/v0') ? plain.replace(unencodedName, '$1$2%2F$3') : plain
}
