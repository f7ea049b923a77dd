/** The official registry's API with `many` servers, in prepared pages of a hundred. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const { many } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { many: number }
const perPage = 100
const official = 'io.modelcontextprotocol.registry/official'

const nameOf = (at: number) => `io.github.maker-${at % 500}/server-${String(at).padStart(6, '0')}`

function listed(at: number): object {
  const name = nameOf(at)
  return {
    server: {
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
      name,
      version: '1.0.0',
      description: `What server number ${at} does, in one sentence as the registry wants it`,
      repository: { url: `https://github.com/${name}`, source: 'github' },
      remotes: [{ type: 'streamable-http', url: `https://server-${at}.example/mcp` }],
      packages: [
        { registryType: 'npm', identifier: `@maker/server-${at}`, version: '1.0.0', transport: { type: 'stdio' } },
      ],
    },
    _meta: {
      [official]: {
        status: 'active',
        publishedAt: '2026-01-01T00:00:00Z',
        updatedAt: '2026-01-01T00:00:00Z',
        isLatest: true,
      },
    },
  }
}

const pages = Array.from({ length: many / perPage }, (_, page) => {
  const servers = Array.from({ length: perPage }, (_, at) => listed(page * perPage + at))
  const isLast = (page + 1) * perPage >= many
  const metadata = { count: perPage, ...(isLast ? {} : { nextCursor: String(page + 1) }) }
  return Buffer.from(JSON.stringify({ servers, metadata }))
})

const server = createServer(({ url = '' }, response) => {
  const { pathname, searchParams } = new URL(url, 'http://directory')
  const page = /^\/v0(\.1)?\/servers\/?$/.test(pathname) ? pages[Number(searchParams.get('cursor') ?? 0)] : undefined
  response.writeHead(page ? 200 : 404, { 'content-type': 'application/json' })
  response.end(page ?? '{}')
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
)
process.on('SIGTERM', () => process.exit(0))
