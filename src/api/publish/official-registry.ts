import { openToAll } from '../http/access/cors.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { respond } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { parsePageRequest } from './list-params.ts'
import type { Published, PublishedEntry } from './published.ts'
import { createReadyCache } from './ready-cache.ts'

/**
 * The read API of the official MCP registry, as VS Code, Copilot, ToolHive and the Docker gateway ask it.
 * https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/api/openapi.yaml
 */
export function v01Api({
  published,
  ...parts
}: Pick<ApiPorts, 'registry' | 'supervisor'> & { published: Pick<Published, 'find' | 'page' | 'domain'> }) {
  const api = createRoutes()
  const kept = createReadyCache(parts)
  const key = (text: string) => `${published.domain()} ${text}`

  async function list(c: ApiContext): Promise<Response> {
    const { search, searchParams } = new URL(c.req.url)
    const page = parsePageRequest(searchParams)
    const make = async () => {
      const { servers, nextCursor } = await published.page(page)
      return bytes({ servers, metadata: { ...(nextCursor !== undefined && { nextCursor }), count: servers.length } })
    }
    return respond(c, await kept.answer(key(search), make, openToAll))
  }

  /** A server has one version, the one it is. */
  async function show(c: ApiContext): Promise<Response> {
    const version = c.req.param('version') ?? 'latest'
    const make = async () => {
      const item = found(c)
      if (version !== 'latest' && item.server.version !== version)
        throw unknown('server_version_not_found', 'Server version not found')
      return bytes(item)
    }
    return respond(c, await kept.answer(key(c.req.path), make, openToAll))
  }

  async function versions(c: ApiContext): Promise<Response> {
    const make = async () => bytes({ servers: [found(c)], metadata: { count: 1 } })
    return respond(c, await kept.answer(key(c.req.path), make, openToAll))
  }

  function found(c: ApiContext): PublishedEntry {
    const item = published.find(c.req.param('name') ?? '')
    if (!item) throw unknown('server_not_found', 'Server not found')
    return item
  }

  api.get('/servers', (c) => list(c))
  api.get('/servers/:name', (c) => show(c))
  api.get('/servers/:name/versions', (c) => versions(c))
  api.get('/servers/:name/versions/:version', (c) => show(c))
  return api
}

function unknown(code: 'server_not_found' | 'server_version_not_found', what: string): Problem {
  return new Problem(code, what, { headers: openToAll })
}

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
