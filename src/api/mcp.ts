import { Hono } from 'hono'
import type { McpEndpoint } from '../mcp/endpoint.ts'
import { unauthenticated } from '../model/principal.ts'
import { requireRole } from './http/access/authenticator.ts'
import { readJson } from './http/body.ts'
import type { Bindings } from './http/pipeline.ts'
import { Problem } from './http/problem.ts'

const longestBody = 1_048_576

/** The registry as an MCP server. Its tools check who may do what; whoever may read may connect. */
export function mcpApi({ mcp }: { readonly mcp: Pick<McpEndpoint, 'answer'> }) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })

  api.post('/mcp', async (c) => {
    const { principal = unauthenticated } = c.env
    requireRole(c.env.principal, 'reader')
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
      throw new Problem(
        'unsupported_media_type',
        'A request to the MCP endpoint is JSON: send Content-Type: application/json.',
      )
    const body = await readJson(c, longestBody)
    if (body === undefined) throw new Problem('body_empty', 'The body is empty; send a JSON-RPC message.')
    const { method, url, raw } = c.req
    return mcp.answer(new Request(url, { method, headers: raw.headers, signal: raw.signal }), body, principal)
  })

  return api
}
