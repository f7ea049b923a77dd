import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { defaultNamespace, Namespace, serverId, ServerName } from '../model/names.ts'
import { parseCursor } from '../model/query/cursor.ts'
import { ServerQuery } from '../model/query/query.ts'
import { cacheJsonSchema } from './cached-json-schema.ts'
import type { McpPorts } from './endpoint.ts'
import { serverView } from './server-view.ts'
import { runTool, ToolError } from './tool-result.ts'

/** More are not poured into a model's context unless it asks for them. */
const usualPage = 100

const reading = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }

const OneServer = z.looseObject({ id: z.string(), name: z.string(), namespace: z.string(), status: z.string() })

const OneName = z.strictObject({
  name: ServerName,
  namespace: Namespace.default(defaultNamespace).describe('Of the server.'),
})

const ServerPage = z.object({
  servers: z.array(z.looseObject({})).describe('Servers as GET /servers shows them, secrets redacted.'),
  count: z.int(),
  total: z.int().describe('Servers that match, on all pages.'),
  resource_version: z.string(),
  syncing: z.array(z.string()).optional().describe('Sources that have not answered yet: what they know is missing.'),
  continue: z.string().optional().describe('Send it as `continue` for the next page.'),
})

const schemas = {
  list: [cacheJsonSchema(ServerQuery.unwrap()), cacheJsonSchema(ServerPage)],
  get: [cacheJsonSchema(OneName), cacheJsonSchema(OneServer)],
} as const

/** The tools that look servers up. */
export function registerServerTools(server: McpServer, { registry, volatile, syncing, log }: McpPorts): void {
  server.registerTool(
    'list_servers',
    {
      title: 'List servers',
      description: `Lists MCP servers and agents by namespace, tags, labels, status or what they can do; ${usualPage} at a time unless \`limit\` says otherwise.`,
      inputSchema: schemas.list[0],
      outputSchema: schemas.list[1],
      annotations: reading,
    },
    (query) => runTool(log, () => list(query)),
  )
  server.registerTool(
    'get_server',
    {
      title: 'Get a server',
      description: 'Shows one server: how it is reached, what it can do, how it is and since when.',
      inputSchema: schemas.get[0],
      outputSchema: schemas.get[1],
      annotations: reading,
    },
    ({ namespace, name }) => runTool(log, () => get(serverId(namespace, name))),
  )

  function list(query: ServerQuery): z.input<typeof ServerPage> {
    const position = parseCursor(query)
    if (position && 'problem' in position) throw new ToolError(`continue: ${position.problem}`)
    const { page, total, next } = registry.select({ ...query, limit: query.limit ?? usualPage })
    const waiting = syncing()
    return {
      servers: page.map((registered) => serverView(registered, query, volatile)),
      count: page.length,
      total,
      resource_version: registry.token(),
      ...(waiting.length > 0 && { syncing: [...waiting] }),
      ...(next !== undefined && { continue: next }),
    }
  }

  function get(id: string): object {
    const registered = registry.get(id)
    if (!registered) throw new ToolError(`There is no server "${id}".`)
    return serverView(registered, { fields: [], view: 'full' }, volatile)
  }
}
