import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { isIP } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { AgentError } from '../agent-error.ts'

/** Names of this machine alone. */
const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

export type HttpListener = Awaited<ReturnType<typeof openHttpListener>>

/**
 * Listens for MCP.
 *
 * A web page that reaches the agent by a name of its own (DNS rebinding) is refused by its `Host`, another one by its `Origin`.
 */
export async function openHttpListener({
  host,
  port,
  hosts,
  origins,
  handle,
}: {
  /** All addresses where it is undefined. */
  host: string | undefined
  port: number
  /** Further names that others reach the agent by. */
  hosts: readonly string[]
  /** Host names of web pages that may call the agent. */
  origins: readonly string[]
  handle: (request: Request) => Response | Promise<Response>
}) {
  const names = new Set(
    [...loopbackNames, ...(host === undefined ? [] : [host]), ...hosts].map((name) => name.toLowerCase()),
  )
  const pages = new Set(origins.map((name) => name.toLowerCase()))

  function guarded(request: Request): Response | Promise<Response> {
    const name = hostnameOf(`http://${request.headers.get('host') ?? ''}`)
    // An address cannot be rebound.
    if (name === undefined || (!names.has(name) && isIP(name.replace(/^\[|\]$/g, '')) === 0))
      return refusal(`the host ${JSON.stringify(name ?? '')} is not a name of this agent: add it to "hosts"`)
    const origin = request.headers.get('origin')
    if (origin !== null && !pages.has(hostnameOf(origin) ?? ''))
      return refusal(
        `web pages of ${JSON.stringify(origin.slice(0, 253))} may not call this agent: add it to "origins"`,
      )
    return handle(request)
  }

  const listener = getRequestListener(guarded, { overrideGlobalObjects: false, hostname: 'localhost' })
  const server = createServer((request, response) => void listener(request, response))
  await listen(server, host, port)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the agent listens on no port')

  return {
    port: address.port,
    /** Takes no more connections; those in use end by themselves within `ms`, or are cut. */
    async close(ms: number): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), ms)
      await closed
      clearTimeout(timer)
    },
  }
}

async function listen(server: Server, host: string | undefined, port: number): Promise<void> {
  server.listen({ port, ...(host !== undefined && { host }) })
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const place = host ?? 'all addresses'
    if (code === 'EADDRINUSE')
      throw new AgentError(
        'port_taken',
        `port ${port} of ${place} is taken by another process: give the agent another one, or 0 for any that is free`,
        { cause: error },
      )
    throw new AgentError('invalid_option', `the agent cannot listen on ${place}, port ${port}: ${message}`, {
      cause: error,
    })
  }
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

function refusal(message: string): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code: -32_000, message } }, { status: 403 })
}
