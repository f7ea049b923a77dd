import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, type TestContext } from 'node:test'
import { serve, type ServerType } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { createProbe } from '../../../src/health/probes/probe-kinds.ts'
import type { ProbeOutcome } from '../../../src/health/probes/probe.ts'
import type { Reach } from '../../../src/model/change.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { registered } from '../../builders.ts'

const http = openHttpClient()
after(async () => http.close())

type Fields = Parameters<typeof registered>[0]

/** A probe with defaults for its limits, which remembers protocols as in the daemon. */
export function createProber() {
  const probe = createProbe({ http })
  return async (
    fields: Fields,
    options: { timeoutMs?: number; reach?: Reach; learn?: boolean; signal?: AbortSignal } = {},
  ): Promise<ProbeOutcome> => {
    const { reach = 'any', timeoutMs = 10_000, learn = true, signal = new AbortController().signal } = options
    return probe({ ...registered(fields), reach }, { timeoutMs, learn, signal })
  }
}

export const resultOf = ({ ok, reason }: ProbeOutcome) => ({ ok, reason })

/** The public reference server, as its users start it. */
export async function startReferenceServer(
  t: TestContext,
  transport: 'streamableHttp' | 'sse',
): Promise<{ port: number; child: ChildProcess }> {
  const entry = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
  const port = await freePort()
  const child = spawn(process.execPath, [entry, transport], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  await new Promise<void>((resolve) => {
    // It keeps writing: without a reader its pipe would break.
    child.stderr.on('data', (text) => String(text).includes(`port ${port}`) && resolve())
  })
  return { port, child }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

/** An HTTP server that responds by `answer`, until the test ends. */
export async function startServer(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** A server of the newest revision, built with the SDK; records the methods of its requests. */
export async function startModernServer(
  t: TestContext,
  build: (server: McpServer) => void = () => undefined,
  options: ConstructorParameters<typeof McpServer>[1] = {},
) {
  const methods: string[] = []
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'made', version: '1.2.3' }, options)
    build(server)
    return server
  })
  const listening = Promise.withResolvers<AddressInfo>()
  const server: ServerType = serve(
    {
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        const { method = request.method } = (await request
          .clone()
          .json()
          .catch(() => ({}))) as { method?: string }
        methods.push(method)
        return handler.fetch(request)
      },
    },
    listening.resolve,
  )
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(await listening.promise).port}/mcp`, methods }
}
