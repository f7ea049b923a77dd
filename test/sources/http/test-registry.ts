import type { RequestListener } from 'node:http'

type Published = { readonly name: string; status: string; version: string; updatedAt: string }

/** A fake of the official registry: pages of at most 100, ordered by name, with the documented parameters. */
export function createTestRegistryServer({
  now = () => new Date(),
  knows = ['cursor', 'limit', 'version', 'updated_since', 'include_deleted'],
}: { now?: () => Date; knows?: readonly string[] } = {}) {
  const published = new Map<string, Published>()
  const queries: URLSearchParams[] = []
  let failOn: (query: URLSearchParams) => boolean = () => false

  function publish(name: string, { version = '1.0.0', status = 'active' } = {}): void {
    published.set(name, { name, version, status, updatedAt: now().toISOString() })
  }

  const answer: RequestListener = (request, response) => {
    const { searchParams: all } = new URL(request.url ?? '/', 'http://registry')
    queries.push(all)
    const query = new URLSearchParams([...all].filter(([name]) => knows.includes(name)))
    response.setHeader('content-type', 'application/json').setHeader('date', now().toUTCString())
    if (failOn(all)) response.statusCode = 503
    const since = query.get('updated_since') ?? ''
    const withDeleted = since !== '' || query.get('include_deleted') === 'true'
    const limit = Math.min(100, Number(query.get('limit') ?? 30))
    const matching = [...published.values()]
      .filter(({ updatedAt }) => since === '' || Date.parse(updatedAt) >= Date.parse(since))
      .filter(({ status }) => withDeleted || status !== 'deleted')
      .filter(({ name }) => name > (query.get('cursor') ?? ''))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    const page = matching.slice(0, limit)
    const nextCursor = matching.length > limit ? page.at(-1)?.name : undefined
    const metadata = { count: page.length, ...(nextCursor && { nextCursor }) }
    response.end(JSON.stringify({ servers: page.map(listed), metadata }))
  }

  return {
    answer,
    queries,
    publish,
    erase: (name: string) => void published.delete(name),
    failOn: (when: (query: URLSearchParams) => boolean) => void (failOn = when),
  }
}

function listed({ name, version, status, updatedAt }: Published) {
  return {
    server: {
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
      name,
      version,
      description: `What ${name} does, in one sentence as the registry wants it`,
      repository: { url: `https://github.com/${name}`, source: 'github' },
      remotes: [{ type: 'streamable-http', url: `https://${name.replace('/', '.')}.example/mcp` }],
      packages: [{ registryType: 'npm', identifier: `@${name}`, version, transport: { type: 'stdio' } }],
    },
    _meta: {
      'io.modelcontextprotocol.registry/official': { status, publishedAt: updatedAt, updatedAt, isLatest: true },
    },
  }
}

export const registryName = (index: number) => `org.example/server-${String(index).padStart(5, '0')}`

/** A fake registry that holds `count` servers. */
export function createFilledRegistry(count: number, options?: Parameters<typeof createTestRegistryServer>[0]) {
  const registry = createTestRegistryServer(options)
  for (let index = 0; index < count; index++) registry.publish(registryName(index))
  return registry
}
