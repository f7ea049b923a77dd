import type { McpEndpoint } from '../mcp/endpoint.ts'
import { requireRole } from './http/access/authenticator.ts'
import { readJson } from './http/body.ts'
import { createRoutes } from './http/context.ts'
import { Problem } from './http/problem.ts'
import { passOn } from './http/respond.ts'

const maxBodyBytes = 1_048_576

/** The registry as an MCP server, for every reader. Its tools check the rights that they need beyond that. */
export function mcpApi({ mcp }: { readonly mcp: Pick<McpEndpoint, 'handle'> }) {
  const api = createRoutes()

  api.post('/mcp', async (c) => {
    const { principal } = c.env
    requireRole(principal, 'reader')
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
      throw new Problem('unsupported_media_type', 'The MCP endpoint takes JSON: send Content-Type: application/json.')
    const body = await readJson(c, maxBodyBytes)
    if (body === undefined) throw new Problem('body_empty', 'The request body is empty; send a JSON-RPC message.')
    const { method, url, raw } = c.req
    const request = new Request(url, { method, headers: raw.headers, signal: raw.signal })
    return passOn(c, await mcp.handle(request, body, principal))
  })

  return api
}
