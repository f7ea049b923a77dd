import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import type { Log } from '../../../log.ts'
import type { Limits } from '../../config/limits.ts'
import type { Listen } from '../../config/listen.ts'
import { hasBody } from '../body.ts'
import { Problem } from '../problem.ts'
import { problemReply, writeReply } from '../reply.ts'
import { watchDescriptors } from './descriptor-watch.ts'
import { closeLingering } from './lingering-close.ts'
import { writeProblem, answerParseError } from './parse-errors.ts'
import { type Connection, createRequestQueues, currentResponseOf, type Handle } from './request-queues.ts'
import { type CertificatePair, readPair, watchPair } from './tls.ts'

export type ListenOptions = Pick<Listen, 'host' | 'port' | 'tls'> & {
  readonly limits: Limits
  readonly log: Log
  /** Whether loopback is not that of the people who read the log, as in a container. */
  readonly isContained?: boolean | undefined
}

/** The daemon cannot listen. `code` is that of the system: `EADDRINUSE`, `EACCES`. */
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
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the host name does not resolve',
}

/** Error codes of binding `::1` on a machine without IPv6. */
const absentAddressCodes = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/**
 * Serves `handle` until disposed; resolves once it accepts connections. `localhost` means both 127.0.0.1 and ::1.
 *
 * Disposal stops accepting, lets responses in flight finish, and cuts the remaining connections after `graceMs`.
 */
export async function listen(handle: Handle, options: ListenOptions, { graceMs = 8000, tlsMs = 5000 } = {}) {
  const hosts = options.host === 'localhost' ? ['127.0.0.1', '::1'] : [options.host]
  const opened: TrackedServer[] = []
  const onServerError = createErrorLogger(options.log)
  const { inTurn } = createRequestQueues()
  let { port } = options
  for (const host of hosts) {
    const tracked = createTrackedServer(handle, { ...options, inTurn })
    try {
      port = await bind(tracked.server, host, port)
      tracked.server.on('error', onServerError)
      opened.push(tracked)
    } catch (error) {
      if (opened.length > 0 && absentAddressCodes.has((error as NodeJS.ErrnoException).code ?? '')) continue
      await Promise.all(opened.map((other) => other.close(0)))
      throw new ListenError({ host, port }, error as NodeJS.ErrnoException)
    }
  }
  const unwatchDescriptors = watchDescriptors({ log: options.log })
  const unwatch = options.tls ? watchPair(options.tls, { use: usePair, log: options.log, everyMs: tlsMs }) : () => {}

  function usePair(pair: CertificatePair): void {
    for (const { server } of opened) (server as TlsServer).setSecureContext(pair)
  }

  return {
    port,
    url: `${options.tls ? 'https' : 'http'}://${hostInUrl(reachableHost(options))}:${port}`,
    /** Where it listens, such as `0.0.0.0:8000`. */
    address: `${hostInUrl(options.host)}:${port}`,
    connections: () => opened.reduce((sum, tracked) => sum + tracked.connections(), 0),
    async [Symbol.asyncDispose]() {
      unwatch()
      unwatchDescriptors()
      await Promise.all(opened.map((tracked) => tracked.close(graceMs)))
    },
  }
}

/** Logs a refusal of the system (no memory, a firewall rule) once a minute: it may come with every connection. */
function createErrorLogger(log: Log): (error: Error) => void {
  let quietUntil = 0
  return (error) => {
    const now = performance.now()
    if (now < quietUntil) return
    quietUntil = now + 60_000
    log.warn({ err: error }, 'accepting a connection failed')
  }
}

type HttpServer = Server | TlsServer
type TrackedServer = ReturnType<typeof createTrackedServer>

/** One server and its connections. */
function createTrackedServer(
  handle: Handle,
  {
    tls,
    limits,
    inTurn,
  }: Pick<ListenOptions, 'tls' | 'limits'> & Pick<ReturnType<typeof createRequestQueues>, 'inTurn'>,
) {
  const options = serverOptions(limits)
  const server: HttpServer = tls
    ? // Loaded only for TLS, with its dependencies.
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
  const accept: Handle = (request, response) => {
    if (draining) endAfter(response)
    handle(request, response)
  }
  const acceptAndContinue: Handle = (request, response) => {
    accept(request, response)
    // A client that waits for permission to send its body gets none where the request was rejected.
    if (!response.headersSent) response.writeContinue()
  }
  const rejectExpectation: Handle = (request, response) => {
    const problem = new Problem('expectation_failed', 'Unsupported expectation; the only one is "100-continue".', {
      headers: { connection: 'close' },
    })
    writeReply(request, response, problemReply(problem))
    if (hasBody(request)) closeLingering(request)
  }
  server.on('request', inTurn(accept))
  server.on('checkContinue', inTurn(acceptAndContinue))
  server.on('checkExpectation', inTurn(rejectExpectation))
  server.on('connect', (_request, socket: Duplex) =>
    writeProblem(socket, new Problem('method_not_allowed', 'This server is not a proxy.')),
  )
  server.on('clientError', (error, socket) =>
    answerParseError(error, socket, {
      lastResponse: currentResponseOf(socket as Connection),
      maxHeaderBytes: limits.max_header_bytes,
    }),
  )
  server.maxHeadersCount = 0 // their size is limited; a maximum count would drop the last ones silently
  server.maxConnections = limits.max_connections
  server.on('timeout', (socket: Connection) => {
    const response = currentResponseOf(socket)
    const isWaiting = response && !response.writableEnded && response.writableLength === 0
    if (isWaiting) socket.setTimeout(idleMs)
    else socket.destroy()
  })
  // Instead of `server.timeout`, which starts a timer for each response, though most are sent at once.
  const idleTimer = setInterval(() => {
    for (const socket of connections) if (!socket.timeout) socket.setTimeout(idleMs)
  }, idleMs / 4).unref()

  /** Stops accepting, lets begun responses end, and cuts the rest after `graceMs`. */
  async function close(graceMs: number): Promise<void> {
    draining = true
    clearInterval(idleTimer)
    const closed = new Promise((resolve) => server.close(resolve))
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    for (const socket of connections) {
      const response = currentResponseOf(socket)
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
    // The guard checks the Host header, and answers with a problem document.
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

/** A host at which clients reach the address: for every address of a container, one that others see. */
function reachableHost({ host, isContained = false }: Pick<ListenOptions, 'host' | 'isContained'>): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const outside = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.filter(isOutside))
  const address = outside.find(({ family }) => family === 'IPv4') ?? (host === '::' ? outside[0] : undefined)
  return isContained && address ? address.address : 'localhost'
}

/** Whether others reach an address of this machine; link-local ones need a zone. */
const isOutside = ({ internal, address }: NetworkInterfaceInfo) => !internal && !/^(fe80:|169\.254\.)/i.test(address)

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
