import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Hono } from 'hono'
import { threadFile } from '../../runtime/thread-file.ts'
import type { Bindings } from '../http/pipeline.ts'
import { jsonReply, type Reply } from '../http/reply.ts'
import { respond, respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'

/** What the API says of itself. The documentation is loaded and made when it is first asked for, since few ever ask. */
export function docsApi({ name, version }: Pick<ApiPorts, 'name' | 'version'>) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  let document: Promise<Reply> | undefined
  let page: Promise<Reply> | undefined

  async function makeDocument(): Promise<Reply> {
    const body = Buffer.from(await documentText(version))
    return jsonReply(body, { etag: tagOf(body) })
  }

  function documented(): Promise<Reply> {
    document ??= makeDocument().catch((error: unknown) => {
      document = undefined
      throw error
    })
    return document
  }

  async function makePage(): Promise<Reply> {
    const { html, policy } = (await import('./docs-page.ts')).docsPage()
    const body = Buffer.from(html)
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }
    return jsonReply(body, { etag: tagOf(body), headers })
  }

  api.get('/', async (c) => {
    const { endpoints } = await import('./route-table.ts')
    return respondJson(c, {
      service: 'mcp-roster',
      name,
      version,
      status: 'running',
      endpoints: endpoints(),
      docs: '/docs',
    })
  })
  api.get('/openapi.json', async (c) => respond(c, await documented()))
  api.get('/docs', async (c) => respond(c, await (page ??= makePage())))
  return api
}

/** Made on a thread of its own: it is half a second of work, and what it is made with would stay in memory. */
async function documentText(version: string): Promise<string> {
  const file = threadFile('./openapi-thread.ts', { from: import.meta.url, built: 'openapi-thread.js' })
  const thread = new Worker(file, {
    name: 'openapi',
    execArgv: [],
    env: {},
    workerData: version,
    // With a large one the thread would leave its memory behind.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  const [text] = (await once(thread, 'message')) as [string]
  return text
}

function tagOf(body: Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`
}
