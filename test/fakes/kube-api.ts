import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import http2, { type SecureServerOptions } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { applyPatch } from './kube-patch.ts'
import { isAllowed, type KubeRequest, type AccessRule, parseKubeRequest } from './kube-request.ts'
import { apiVersionOf, discoveryDocuments, type KubeResource } from './kube-resources.ts'
import { parseFields, parseSelector } from './kube-selector.ts'
import {
  conflictStatus,
  expiredContinueToken,
  forbiddenStatus,
  type KubeStatus,
  notFoundStatus,
  kubeStatus,
  unauthorizedStatus,
} from './kube-status.ts'
import { createKubeStore, type KubeObject } from './kube-store.ts'
import { openWatch, watchRefusal, type WatchSettings } from './kube-watch.ts'

/** Replaces the response of matching requests: by a status, a reset connection, silence, or what `run` writes. */
export type KubeFault = {
  readonly when: (request: KubeRequest) => boolean
  readonly times?: number
  readonly answer?: KubeStatus
  readonly headers?: Record<string, string>
  readonly reset?: boolean
  readonly hang?: boolean
  readonly run?: (response: ServerResponse, request: KubeRequest) => void
}

/** The server's certificate, and whether it requires client certificates (`requestCert`, `ca`). */
export type KubeTls = Pick<SecureServerOptions, 'key' | 'cert' | 'ca' | 'requestCert' | 'rejectUnauthorized'>

export type KubeApi = Awaited<ReturnType<typeof startKubeApi>>

/** The connection of a request: its socket, or the HTTP/2 session that many requests share. */
function connectionOf(response: ServerResponse): object {
  const { stream } = response as unknown as { stream?: { session?: object } }
  return stream?.session ?? response.req.socket
}

/** Starts a fake Kubernetes API server: lists, watches, pages, selectors, roles and faults. */
export async function startKubeApi({ tls }: { tls?: KubeTls } = {}) {
  const store = createKubeStore()
  const watchSettings: WatchSettings = { bookmarkIntervalMs: 60_000, chunkBytes: 0, expiredAs: 'event' }
  const requests: KubeRequest[] = []
  const sockets = new Set<Socket>()
  const watches = new Set<{
    stop: () => void
    response: ServerResponse
    request: KubeRequest
    send: (type: string, object: unknown) => void
  }>()
  const snapshots = new Map<string, { version: string; rest: KubeObject[] }>()
  let faults: { fault: KubeFault; left: number }[] = []
  let rules: AccessRule[] | undefined
  let tokens: Map<string, string> | undefined
  let lists = { running: 0, peak: 0, delayMs: 0, blockedBy: Promise.resolve() }
  let frozenConnections = new WeakSet<object>()
  let isUnresponsive = false
  let onHeaders = (_headers: IncomingHttpHeaders): void => {}

  function send(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
    if (frozenConnections.has(connectionOf(response))) return
    const bytes = Buffer.from(JSON.stringify(body))
    response.writeHead(code, { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers })
    response.end(bytes)
  }

  const refuse = (response: ServerResponse, answer: KubeStatus, headers?: Record<string, string>) =>
    send(response, answer.code, answer, headers)

  function faultFor(request: KubeRequest): KubeFault | undefined {
    const match = faults.find(({ fault }) => fault.when(request))
    if (match && --match.left <= 0) faults = faults.filter((entry) => entry !== match)
    return match?.fault
  }

  function matcherOf({ query }: KubeRequest): (object: KubeObject) => boolean {
    const labels = parseSelector(query.get('labelSelector') ?? '')
    const fields = parseFields(query.get('fieldSelector') ?? '')
    return ({ metadata }) => labels(metadata.labels ?? {}) && fields(metadata)
  }

  async function list(response: ServerResponse, request: KubeRequest, resource: KubeResource): Promise<void> {
    lists.running++
    lists.peak = Math.max(lists.peak, lists.running)
    try {
      const limit = Number(request.query.get('limit') ?? 0)
      const token = request.query.get('continue') ?? ''
      const snapshot = token === '' ? undefined : snapshots.get(token)
      if (token !== '' && !snapshot) return refuse(response, expiredContinueToken())
      const version = snapshot?.version ?? store.version()
      const all = snapshot?.rest ?? store.list(resource.plural, request.namespace).filter(matcherOf(request))
      await lists.blockedBy
      if (lists.delayMs > 0) await pause(lists.delayMs)
      const items = limit > 0 ? all.slice(0, limit) : all
      const rest = all.slice(items.length)
      const metadata: Record<string, unknown> = { resourceVersion: version }
      if (rest.length > 0) {
        const next = Buffer.from(`${version}/${rest[0]?.metadata.uid}`).toString('base64url')
        snapshots.set(next, { version, rest })
        Object.assign(metadata, { continue: next, remainingItemCount: rest.length })
      }
      send(response, 200, { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items })
    } finally {
      lists.running--
    }
  }

  function watch(response: ServerResponse, request: KubeRequest, resource: KubeResource): void {
    const watchRequest = {
      resource,
      namespace: request.namespace,
      matches: matcherOf(request),
      version: request.query.get('resourceVersion') ?? '',
      bookmarks: request.query.get('allowWatchBookmarks') === 'true',
      seconds: Number(request.query.get('timeoutSeconds') ?? 1800),
    }
    const refusal = watchRefusal(store, watchRequest)
    if (refusal && (watchSettings.expiredAs === 'status' || refusal.code !== 410)) return refuse(response, refusal)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (refusal) {
      response.write(`${JSON.stringify({ type: 'ERROR', object: refusal })}\n`)
      if (watchSettings.expiredAs === 'event') response.end()
      return
    }
    const sink = {
      write: (chunk: Buffer) => void (frozenConnections.has(connectionOf(response)) || response.write(chunk)),
      end: () => void (frozenConnections.has(connectionOf(response)) || response.end()),
    }
    const open = { ...openWatch(store, watchRequest, sink, watchSettings), response, request }
    watches.add(open)
    response.once('close', () => {
      open.stop()
      watches.delete(open)
    })
  }

  async function bodyOf(message: IncomingMessage): Promise<Record<string, unknown>> {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    return chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>) : {}
  }

  async function write(
    message: IncomingMessage,
    response: ServerResponse,
    request: KubeRequest,
    resource: KubeResource,
  ) {
    const body = await bodyOf(message)
    const namespace = resource.namespaced ? (request.namespace ?? 'default') : ''
    const object = body as unknown as KubeObject
    const name = request.name ?? object.metadata.name
    const before = store.get(resource.plural, namespace, name)
    const scope = resource.namespaced ? { namespace } : {}
    if (request.verb === 'create') {
      if (before) return refuse(response, conflictStatus(resource.plural, name))
      return send(response, 201, store.put(resource.plural, { ...object, metadata: { ...object.metadata, ...scope } }))
    }
    if (!before) return refuse(response, notFoundStatus(resource.plural, name))
    if (request.verb === 'delete') {
      store.remove(resource.plural, namespace, name)
      return send(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
    }
    const strategic = message.headers['content-type']?.includes('strategic') ?? false
    const next = request.verb === 'patch' ? (applyPatch(before, body, strategic) as KubeObject) : object
    send(response, 200, store.put(resource.plural, { ...next, metadata: { ...next.metadata, ...scope } }))
  }

  async function respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const bearer = /^Bearer (.*)$/.exec(message.headers.authorization ?? '')?.[1]
    const user = tokens ? tokens.get(bearer ?? '') : 'system:admin'
    const request = parseKubeRequest(message.method ?? 'GET', new URL(message.url ?? '/', 'http://fake'), user)
    requests.push(request)
    onHeaders(message.headers)
    if (isUnresponsive || frozenConnections.has(connectionOf(response))) return
    const fault = faultFor(request)
    if (fault?.reset) return void message.socket.destroy()
    if (fault?.hang) return
    if (fault?.run) return fault.run(response, request)
    if (fault?.answer) return refuse(response, fault.answer, fault.headers)
    if (user === undefined) return refuse(response, unauthorizedStatus())
    const document = discoveryDocuments[request.path]
    if (document) return send(response, 200, document)
    const { resource, namespace, name, verb } = request
    if (!resource)
      return refuse(response, kubeStatus(404, 'NotFound', 'the server could not find the requested resource'))
    if (!isAllowed(rules, request))
      return refuse(response, forbiddenStatus(user, verb, resource.plural, resource.group, namespace))
    if (verb === 'list') return list(response, request, resource)
    if (verb === 'watch') return watch(response, request, resource)
    if (verb !== 'get') return write(message, response, request, resource)
    const object = store.get(resource.plural, namespace ?? '', name ?? '')
    return object
      ? send(response, 200, { kind: resource.kind, apiVersion: apiVersionOf(resource), ...object })
      : refuse(response, notFoundStatus(resource.plural, name ?? ''))
  }

  function createServer() {
    const onRequest = (message: IncomingMessage, response: ServerResponse) =>
      void respond(message, response).catch((error: unknown) =>
        refuse(response, kubeStatus(400, 'BadRequest', error instanceof Error ? error.message : String(error))),
      )
    const created = tls
      ? http2.createSecureServer({ ...tls, allowHTTP1: true }, onRequest as never)
      : http.createServer(onRequest)
    created.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    return created
  }

  let server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  /** Resets every connection, and refuses new ones until `start`. */
  async function stop(): Promise<void> {
    for (const { stop } of watches) stop()
    watches.clear()
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  async function start(options: { tls?: KubeTls } = {}): Promise<void> {
    tls = options.tls ?? tls
    server = createServer()
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  }

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    store,
    watchSettings,
    requests,
    watches: () => [...watches].map(({ request }) => request),
    connections: () => sockets.size,
    lists,
    stop,
    start,
    /** Accepts these tokens, mapped to users, and no others. */
    users: (userByToken: Record<string, string>) => void (tokens = new Map(Object.entries(userByToken))),
    rules: (accessRules: readonly AccessRule[]) => void (rules = [...accessRules]),
    fail: (fault: KubeFault) => void faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    heal: () => void (faults = []),
    /** Sends a raw event to every open watch that matches `when`. */
    inject: (type: string, object: unknown, when: (request: KubeRequest) => boolean = () => true) => {
      for (const watch of watches) if (when(watch.request)) watch.send(type, object)
    },
    /** Keeps the open connections open, but sends nothing on them any more. */
    freeze: () => {
      frozenConnections = new WeakSet()
      for (const { response } of watches) frozenConnections.add(connectionOf(response))
    },
    onHeaders: (listener: typeof onHeaders) => void (onHeaders = listener),
    /** Leaves all requests without a response while true. */
    setUnresponsive: (unresponsive: boolean) => void (isUnresponsive = unresponsive),
    /** Expires every `continue` token handed out so far. */
    expirePages: () => snapshots.clear(),
    [Symbol.asyncDispose]: stop,
  }
}
