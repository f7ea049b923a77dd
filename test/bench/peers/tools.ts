/** MCP servers with 20 tools, one for each path: what a fleet connects to. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'

const inputSchema = fromJsonSchema<{ id: number }>({ type: 'object', properties: { id: { type: 'number' } } })

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'tools', version: '1.0.0' })
  for (let tool = 0; tool < 20; tool += 1)
    server.registerTool(`tool_${tool}`, { description: `Tool ${tool}.`, inputSchema }, ({ id }) => ({
      content: [{ type: 'text', text: String(id) }],
    }))
  return server
})

const listener = getRequestListener((request) => handler.fetch(request))
const server = createServer((request, response) => void listener(request, response))
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
