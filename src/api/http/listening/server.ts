import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../../../log.ts'
import { createServer } from '../../../runtime/node-http.ts'
import type { Limits } from '../../config/limits.ts'
import type { Listen } from '../../config/listen.ts'
import { hasBody } from '../body.ts'
import { Problem } from '../problem.ts'
import { problemReply, writeReply } from '../reply.ts'
import { closeLingering } from './lingering-close.ts'
import { answerOn, answerParseError } from './parse-errors.ts'
import { type Pair, readPair, watchPair } from './tls.ts'

export type ListenOptions = Pick<Listen, 'host' | 'port' | 'tls'> & { readonly limits: Limits; readonly log: Log }

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** Why the daemon cannot listen; `code` is the system's (`EADDRINUSE`, `EACCES`). */
export class ListenError extends Error {
  override name = 'ListenError'
  readonly code: string | undefined
  readonly host: string
  readonly port: number

  constructor({ host, port }: { host: string; port: number }, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${host}:${port}: ${reasons[cause.code ?? ''] ?? cause.message}`, { cause })
    this.code = cause.code
    this.host = host
    this.port = port
  }
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not use that port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this name has no address',
}

/** An address that a machine without IPv6, or with it switched off, answers to an attempt to bind `::1`. */
const absent = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/**
 * Serves `handle` until disposed; resolves once it accepts connections. `localhost` means both 127.0.0.1 and ::1.
 *
 * Disposal stops accepting, lets what is in flight finish, and cuts what is left after `graceMs`.
 */
export async function listen(handle: Handle, options: ListenOptions, { graceMs = 8000, tlsMs = 5000 } = {}) {
  const hosts = options.host === 'localhost' ? ['127.0.0.1', '::1'] : [options.host]
  const opened: Served[] = []
  const complain = complainer(options.log)
  let { port } = options
  for (const host of hosts) {
    const served = createServed(handle, options)
    try {
      port = await bind(served.server, host, port)
      served.server.on('error', complain)
      opened.push(served)
    } catch (error) {
      if (opened.length > 0 && absent.has((error as NodeJS.ErrnoException).code ?? '')) continue
      await Promise.all(opened.map((one) => one.close(0)))
      throw new ListenError({ host, port }, error as NodeJS.ErrnoException)
    }
  }
  const unwatch = options.tls ? watchPair(options.tls, { use: usePair, log: options.log, everyMs: tlsMs }) : () => {}

  function usePair(pair: Pair): void {
    for (const { server } of opened) (server as TlsServer).setSecureContext(pair)
  }

  return {
    port,
    url: `${options.tls ? 'https' : 'http'}://${named(options.host)}:${port}`,
    connections: () => opened.reduce((sum, one) => sum + one.connections(), 0),
    async [Symbol.asyncDispose]() {
      unwatch()
      await Promise.all(opened.map((one) => one.close(graceMs)))
    },
  }
}

/** What the system refuses (no memory, a rule of a firewall) may come with every connection; it is said once a minute. */
function complainer(log: Log): (error: Error) => void {
  let quietUntil = 0
  return (error) => {
    const now = performance.now()
    if (now < quietUntil) return
    quietUntil = now + 60_000
    log.warn({ err: error }, 'connections could not be accepted')
  }
}

type HttpServer = Server | TlsServer
type Served = ReturnType<typeof createServed>

/** A connection carries the last answer begun on it. */
const answer = Symbol('answer')
type Connection = Socket & { [answer]?: ServerResponse }

/** One server and its connections. */
function createServed(handle: Handle, { tls, limits }: Pick<ListenOptions, 'tls' | 'limits'>) {
  const options = serverOptions(limits)
  const server: HttpServer = tls
    ? // Loaded by those who serve it only, as is all that TLS needs.
      process
        .getBuiltinModule('node:https')
        .createServer({ ...options, ...readPair(tls), minVersion: 'TLSv1.2', handshakeTimeout: 5000 })
    : createServer(options)
  const connections = new Set<Connection>()
  const idleMs = limits.idle_timeout * 1000
  let draining = false

  server.on(tls ? 'secureConnection' : 'connection', (socket: Connection) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  const take: Handle = (request, response) => {
    const socket: Connection = request.socket
    socket[answer] = response
    if (draining) endAfter(response)
    handle(request, response)
  }
  server.on('request', take)
  // Whoever asks before sending a body, and is refused at once, is not told to go on.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    take(request, response)
    if (!response.headersSent) response.writeContinue()
  })
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const problem = new Problem('expectation_failed', 'Nothing but "100-continue" can be expected.', {
      headers: { connection: 'close' },
    })
    writeReply(request, response, problemReply(problem))
    if (hasBody(request)) closeLingering(request)
  })
  server.on('connect', (_request, socket: Duplex) =>
    answerOn(socket, new Problem('method_not_allowed', 'This is no proxy.')),
  )
  server.on('clientError', (error, socket) =>
    answerParseError(error, socket, { last: (socket as Connection)[answer], headBytes: limits.max_header_bytes }),
  )
  server.maxHeadersCount = 0 // their size is limited; a count would drop the last ones silently
  server.maxConnections = limits.max_connections
  server.on('timeout', (socket: Connection) => {
    const { [answer]: response } = socket
    const waitsForUs = response && !response.writableEnded && response.writableLength === 0
    if (waitsForUs) socket.setTimeout(idleMs)
    else socket.destroy()
  })
  // Not by `server.timeout`, which sets a connection's clock for each answer: most are sent at once and need none.
  const guarding = setInterval(() => {
    for (const socket of connections) if (!socket.timeout) socket.setTimeout(idleMs)
  }, idleMs / 4).unref()

  /** Stops accepting, lets begun answers end, and cuts the rest after `graceMs`. */
  async function close(graceMs: number): Promise<void> {
    draining = true
    clearInterval(guarding)
    const closed = new Promise((resolve) => server.close(resolve))
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    for (const socket of connections) {
      const response = socket[answer]
      if (response && !response.writableFinished) endAfter(response)
      else socket.destroy()
    }
    await closed
    clearTimeout(cut)
  }

  return { server, close, connections: () => connections.size }
}

function endAfter(response: ServerResponse): void {
  if (!response.headersSent) response.shouldKeepAlive = false
  const { socket } = response
  response.once('finish', () => socket?.destroySoon())
}

function serverOptions(limits: Limits) {
  return {
    maxHeaderSize: limits.max_header_bytes,
    headersTimeout: limits.header_timeout * 1000,
    requestTimeout: limits.request_timeout * 1000,
    keepAliveTimeout: limits.keep_alive * 1000,
    connectionsCheckingInterval: Math.min(5000, limits.header_timeout * 500),
    // The guard says what is wrong with a Host header, as a problem document.
    requireHostHeader: false,
    noDelay: true,
    // A request without a body needs no stream that ends: that is a tenth of what a short answer costs.
    optimizeEmptyRequests: true,
  }
}

function bind(server: HttpServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function named(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
