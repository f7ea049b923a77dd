import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  createMcpHandler,
  McpServer,
  type RegisteredTool,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import { startTcpProxy } from '../../../fakes/tcp-proxy.ts'

/** `sessions`: the older protocol with a session for each client. `dual`: both protocols. */
export type Era = 'modern' | 'dual' | 'sessions'
export const eras: readonly Era[] = ['modern', 'dual', 'sessions']

/** Notes what a server carried out: the name of the tool, the id of the call. */
export type Ledger = { readonly note: (tool: string, id: string) => void }

export type ModelServer = Awaited<ReturnType<typeof startModelServer>>

const inputSchema = z.object({ id: z.string() })
const listChanged = { capabilities: { tools: { listChanged: true } } }

/** A real MCP server behind a proxy, whose process can be killed and started again on the same port, and whose tools change. */
export async function startModelServer(name: string, era: Era, ledger: Ledger) {
  const tools = new Set(['order', 'read', `only_${name}`])
  const register: Register = (server) =>
    [...tools].map((tool) =>
      server.registerTool(tool, { inputSchema, annotations: { readOnlyHint: tool !== 'order' } }, ({ id }) => {
        ledger.note(tool, id)
        return { content: [{ type: 'text', text: `${name} ${id}` }] }
      }),
    )

  let http: Awaited<ReturnType<typeof serve>> | undefined = await serve(0)
  const { port } = http
  let proxy = await startTcpProxy(port)

  async function serve(at: number) {
    const { answer, tellChange } = era === 'sessions' ? withSessions(name, register) : onDemand(name, era, register)
    const listener = getRequestListener(async (request) => answer(request))
    const server = createServer((request, response) => void listener(request, response))
    await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(at, '127.0.0.1', resolve))
    const stop = async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    }
    return { port: (server.address() as AddressInfo).port, stop, tellChange }
  }

  return {
    name,
    era,
    tools: () => [...tools].toSorted(),
    isUp: () => http !== undefined,
    url: () => `http://127.0.0.1:${proxy.port}/mcp`,
    async kill() {
      await http?.stop()
      http = undefined
    },
    async restart() {
      http ??= await serve(port)
    },
    /** Leads there by another port; the old one refuses connections. */
    async move() {
      const before = proxy
      proxy = await startTcpProxy(port)
      await before[Symbol.asyncDispose]()
    },
    /** Closes its connections; further ones are accepted. */
    cut() {
      proxy.close()
      proxy.open()
    },
    /** Its connections fall silent; further ones are served. */
    freeze: () => proxy.freeze(),
    toggleTool(tool: string) {
      if (!tools.delete(tool)) tools.add(tool)
      http?.tellChange()
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await http?.stop()
    },
  }
}

/** Adds the tools of now. */
type Register = (server: McpServer) => readonly RegisteredTool[]

function onDemand(name: string, era: Era, register: Register) {
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name, version: '1.0.0' }, listChanged)
      register(server)
      return server
    },
    { legacy: era === 'dual' ? 'stateless' : 'reject' },
  )
  return {
    answer: (request: Request) => handler.fetch(request),
    tellChange: () => handler.notify.toolsChanged(),
  }
}

/** Each session has a server of its own, whose tools are made again when they change. */
function withSessions(name: string, register: Register) {
  const sessions = new Map<string, { transport: WebStandardStreamableHTTPServerTransport; change: () => void }>()

  async function answer(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    if (id !== null) return sessions.get(id)?.transport.handleRequest(request) ?? new Response(null, { status: 404 })
    const server = new McpServer({ name, version: '1.0.0' }, listChanged)
    let registered = register(server)
    function change(): void {
      for (const tool of registered) tool.remove()
      registered = register(server)
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void sessions.set(session, { transport, change }),
      onsessionclosed: (session) => void sessions.delete(session),
    })
    await server.connect(transport)
    return transport.handleRequest(request)
  }

  return {
    answer,
    tellChange: () => {
      for (const { change } of sessions.values()) change()
    },
  }
}
