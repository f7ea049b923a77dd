/**
 * A real MCP server that notes each call it carried out: `node counting-server.ts NAME PORT LOG [legacy]`. Prints its URL.
 *
 * `order` must not be repeated; `read` may be. Each writes its id to LOG before it answers.
 */
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'

const [name = 'counting', port = '0', log = '/dev/null', era = 'modern'] = process.argv.slice(2)
const inputSchema = z.object({ id: z.string() })

const handler = createMcpHandler(
  () => {
    const server = new McpServer({ name, version: '1.0.0' })
    const carryOut = (tool: string) => {
      return ({ id }: { id: string }) => {
        appendFileSync(log, `${tool} ${id} ${name}\n`)
        return { content: [{ type: 'text' as const, text: id }] }
      }
    }
    server.registerTool('order', { inputSchema }, carryOut('order'))
    server.registerTool('read', { inputSchema, annotations: { readOnlyHint: true } }, carryOut('read'))
    return server
  },
  { legacy: era === 'legacy' ? 'stateless' : 'reject' },
)

const listener = getRequestListener((request) => handler.fetch(request))
const server = createServer((request, response) => void listener(request, response))
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`)
})
