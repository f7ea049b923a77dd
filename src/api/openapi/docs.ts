import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { bundledFile } from '../../runtime/bundled-file.ts'
import { createRoutes } from '../http/context.ts'
import { jsonReply, type Reply } from '../http/reply.ts'
import { respond, respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { leadToDashboard } from '../ui/dashboard.ts'

/** The OpenAPI document, its page, and the list of routes. Each is read or built at its first request, since most daemons never serve it. */
export function docsApi({ service, name, version, ui }: Pick<ApiPorts, 'service' | 'name' | 'version' | 'ui'>) {
  const api = createRoutes()
  let document: Promise<Reply> | undefined
  let page: Promise<Reply> | undefined

  function cachedDocument(): Promise<Reply> {
    document ??= readDocument(version).catch((error: unknown) => {
      document = undefined
      throw error
    })
    return document
  }

  api.get('/', async (c) => {
    const led = leadToDashboard(c, ui)
    if (led) return led
    const { endpoints } = await import('./route-table.ts')
    return respondJson(c, {
      service: service(),
      name,
      version,
      status: 'running',
      endpoints: endpoints(),
      docs: '/docs',
    })
  })
  api.get('/openapi.json', async (c) => respond(c, await cachedDocument()))
  api.get('/docs', async (c) => respond(c, await (page ??= makePage())))
  return api
}

/** The committed document, with the version of this daemon. */
async function readDocument(version: string): Promise<Reply> {
  const file = bundledFile('../../../config/openapi.json', { from: import.meta.url, built: 'openapi.json' })
  const document = JSON.parse(await readFile(file, 'utf8')) as { info: object }
  const body = Buffer.from(JSON.stringify({ ...document, info: { ...document.info, version } }))
  return jsonReply(body, { etag: etagOf(body) })
}

async function makePage(): Promise<Reply> {
  const { html, policy } = (await import('./docs-page.ts')).docsPage()
  const body = Buffer.from(html)
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }
  return jsonReply(body, { etag: etagOf(body), headers })
}

function etagOf(body: Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`
}
