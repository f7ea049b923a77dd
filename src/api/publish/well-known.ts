import { publicReadHeaders } from '../http/access/cors.ts'
import { createRoutes } from '../http/context.ts'
import { respond } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import type { Published } from './published.ts'
import { createReadyCache } from './ready-cache.ts'

/** Time that clients may cache the catalogue. */
const maxAgeSeconds = 300

const headers = {
  ...publicReadHeaders,
  'content-type': 'application/ai-catalog+json',
  'cache-control': `public, max-age=${maxAgeSeconds}`,
}

/**
 * The AI catalogue of a domain: every published server with its card.
 * https://ai-catalog.io
 */
export function wellKnownApi({
  published,
  name,
  ...ports
}: Pick<ApiPorts, 'registry' | 'supervisor' | 'name'> & {
  published: Pick<Published, 'list' | 'toEntry' | 'domain'>
}) {
  const api = createRoutes()
  const cache = createReadyCache(ports)

  async function encode(): Promise<Buffer> {
    const entries: Buffer[] = []
    for await (const registered of published.list()) {
      const entry = entryOf(registered.server.tags, published.toEntry(registered), published.domain())
      entries.push(Buffer.from(`${entries.length > 0 ? ',' : ''}${JSON.stringify(entry)}`))
    }
    const head = JSON.stringify({ specVersion: '1.0', host: { displayName: name }, entries: [] }).slice(0, -2)
    return Buffer.concat([Buffer.from(head), ...entries, Buffer.from(']}')])
  }

  api.get('/ai-catalog.json', async (c) => respond(c, await cache.answer(published.domain(), encode, { headers })))
  return api
}

function entryOf(tags: readonly string[], { server }: ReturnType<Published['toEntry']>, domain: string): object {
  return {
    identifier: `urn:air:${domain}:${server.name.replaceAll('/', ':')}`,
    displayName: server.title ?? server.name.slice(server.name.indexOf('/') + 1),
    type: 'application/mcp-server-card+json',
    description: server.description,
    version: server.version,
    ...(tags.length > 0 && { tags }),
    data: server,
  }
}
