import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { defaultNamespace, Namespace, serverId, ServerName } from '../model/names.ts'
import { parseCursor } from '../model/query/cursor.ts'
import { ServerQuery } from '../model/query/query.ts'
import { cacheJsonSchema } from './cached-json-schema.ts'
import type { McpPorts } from './ports.ts'
import { serverView } from './server-view.ts'
import { ToolError, type ToolRunner } from './tool-result.ts'

/** Servers per page without `limit`, so that a list does not fill the context of a model. */
const defaultPageSize = 100

const readOnly = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }

const ServerDetail = z.looseObject({ id: z.string(), name: z.string(), namespace: z.string(), status: z.string() })

const ServerAddress = z.strictObject({
  name: ServerName,
  namespace: Namespace.default(defaultNamespace).describe('Namespace of the server.'),
})

const ServerPage = z.object({
  servers: z.array(z.looseObject({})).describe('Servers in the form of GET /servers, secrets redacted.'),
  count: z.int(),
  total: z.int().describe('Matching servers on all pages.'),
  resource_version: z.string(),
  syncing: z.array(z.string()).optional().describe('Sources that have not answered yet, whose servers are missing.'),
  continue: z.string().optional().describe('Cursor of the next page; send it as `continue`.'),
})

const schemas = {
  list: [cacheJsonSchema(ServerQuery.unwrap()), cacheJsonSchema(ServerPage)],
  get: [cacheJsonSchema(ServerAddress), cacheJsonSchema(ServerDetail)],
} as const

/** Registers the tools that read servers. */
export function registerServerTools(
  server: McpServer,
  { registry, volatile, syncing }: McpPorts,
  { read }: ToolRunner,
): void {
  server.registerTool(
    'list_servers',
    {
      title: 'List servers',
      description: `Lists MCP servers and agents by namespace, tags, labels, status or capabilities; pages of ${defaultPageSize} by default (\`limit\`).`,
      inputSchema: schemas.list[0],
      outputSchema: schemas.list[1],
      annotations: readOnly,
    },
    (query) => read(() => list(query)),
  )
  server.registerTool(
    'get_server',
    {
      title: 'Get a server',
      description: 'Returns one server with its address, capabilities and health.',
      inputSchema: schemas.get[0],
      outputSchema: schemas.get[1],
      annotations: readOnly,
    },
    ({ namespace, name }) => read(() => get(serverId(namespace, name))),
  )

  function list(query: ServerQuery): z.input<typeof ServerPage> {
    const cursor = parseCursor(query)
    if (cursor && 'problem' in cursor) throw new ToolError(`continue: ${cursor.problem}`)
    const { page, total, next } = registry.select({ ...query, limit: query.limit ?? defaultPageSize })
    const unsynced = syncing()
    return {
      servers: page.map((registered) => serverView(registered, query, volatile)),
      count: page.length,
      total,
      resource_version: registry.token(),
      ...(unsynced.length > 0 && { syncing: [...unsynced] }),
      ...(next !== undefined && { continue: next }),
    }
  }

  function get(id: string): object {
    const registered = registry.get(id)
    if (!registered) throw new ToolError(`Server "${id}" not found.`)
    return serverView(registered, { fields: [], view: 'full' }, volatile)
  }
}
