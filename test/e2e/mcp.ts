import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'

/** An HTTP server on loopback with the given handler, on the given port or a free one. */
export async function openHttp(answer: (request: IncomingMessage, response: ServerResponse) => void, port = 0) {
  const http = createServer(answer)
  await new Promise<void>((resolve, reject) => void http.once('error', reject).listen(port, '127.0.0.1', resolve))
  const taken = (http.address() as AddressInfo).port
  const close = async () => {
    http.closeAllConnections()
    await new Promise<void>((resolve) => void http.close(() => resolve()))
  }
  return { port: taken, url: `http://127.0.0.1:${taken}/mcp`, close, [Symbol.asyncDispose]: close }
}

/** An MCP server of the newest revision on loopback, with one tool. */
export async function openMcp(port = 0) {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'weather', version: '2.1.0' })
    server.registerTool('forecast', { description: 'Says what the weather will be.' }, () => ({ content: [] }))
    return server
  })
  return openHttp((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = 'GET', headers, url = '/' } = request
      const init = {
        method,
        headers: headers as Record<string, string>,
        ...(method === 'POST' && { body: Buffer.concat(chunks) }),
      }
      void handler.fetch(new Request(`http://localhost${url}`, init)).then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers))
        response.end(Buffer.from(await answer.arrayBuffer()))
      })
    })
  }, port)
}
