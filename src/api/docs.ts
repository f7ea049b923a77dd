import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import type { Bindings } from './edge.ts'
import type { ApiParts } from './parts.ts'
import { jsonReply, type Reply } from './reply.ts'
import { respond, respondJson } from './respond.ts'

/** What the API says of itself. The documentation is loaded and made when it is first asked for, since few ever ask. */
export function docsApi({ name, version }: Pick<ApiParts, 'name' | 'version'>) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  let document: Promise<Reply> | undefined
  let page: Promise<Reply> | undefined

  async function makeDocument(): Promise<Reply> {
    const { openApiDocument } = await import('./openapi.ts')
    const body = Buffer.from(JSON.stringify(await openApiDocument(version)))
    return jsonReply(body, { etag: tagOf(body) })
  }

  async function makePage(): Promise<Reply> {
    const { html, policy } = (await import('./docs-page.ts')).docsPage()
    const body = Buffer.from(html)
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }
    return jsonReply(body, { etag: tagOf(body), headers })
  }

  api.get('/', async (c) => {
    const { endpoints } = await import('./routes.ts')
    return respondJson(c, {
      service: 'mcp-roster',
      name,
      version,
      status: 'running',
      endpoints: endpoints(),
      docs: '/docs',
    })
  })
  api.get('/openapi.json', async (c) => respond(c, await (document ??= makeDocument())))
  api.get('/docs', async (c) => respond(c, await (page ??= makePage())))
  return api
}

function tagOf(body: Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`
}
