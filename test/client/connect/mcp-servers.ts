import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'

/** A request of JSON-RPC; of HTTP, if it has no body. */
export type RpcMessage = {
  readonly method: string
  readonly id?: number
  readonly params?: { readonly cursor?: string }
}

type Options = {
  readonly name?: string
  readonly port?: number
  readonly legacy?: 'stateless' | 'reject'
  /** Answers instead of the MCP server; false: it did not. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse, message: RpcMessage) => boolean
  readonly build?: (server: McpServer) => unknown
  /** Options of the server. */
  readonly info?: ConstructorParameters<typeof McpServer>[1]
}

/** A real MCP server on loopback. Counts what it was asked, by method of JSON-RPC; `stop` cuts its connections. */
export async function startMcp({
  name = 'made',
  port = 0,
  legacy = 'stateless',
  intercept,
  build = oneTool,
  info,
}: Options = {}) {
  const methods: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name, version: '1.0.0' }, info)
      build(server)
      return server
    },
    { legacy },
  )
  const listener = getRequestListener(async (request) => handler.fetch(request))
  const server = createServer((request, response) => void answer(request, response))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const message = (body === '' ? { method: request.method } : JSON.parse(body)) as RpcMessage
    methods.push(message.method)
    headers.push(request.headers)
    if (intercept?.(request, response, message)) return
    // The body is read already: the adapter takes it from here.
    Object.assign(request, { rawBody: Buffer.concat(chunks) })
    await listener(request, response)
  }

  await listen(server, port)
  const address = server.address() as AddressInfo
  const stop = () => close(server)
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}/mcp`,
    methods,
    headers,
    handler,
    countOf: (method: string) => methods.filter((one) => one === method).length,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function oneTool(server: McpServer): void {
  server.registerTool('forecast', { description: 'Says what the weather will be.' }, () => text('sunny'))
}

export const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

async function listen(server: HttpServer, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(port, '127.0.0.1', resolve))
}

async function close(server: HttpServer): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => void server.close(() => resolve()))
}

/** Ends a connection as a crash does: with a reset. */
export const reset = (socket: Socket) => void socket.resetAndDestroy()
