import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import http2, { type SecureServerOptions } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { applyPatch } from './kube-patch.ts'
import { isAllowed, type KubeRequest, type KubeRule, parseKubeRequest } from './kube-request.ts'
import { apiVersionOf, documents, type KubeResource } from './kube-resources.ts'
import { parseFields, parseSelector } from './kube-selector.ts'
import { conflict, continueExpired, forbidden, type KubeStatus, notFound, status, unauthorized } from './kube-status.ts'
import { createKubeStore, type KubeObject } from './kube-store.ts'
import { openWatch, watchRefusal, type WatchSettings } from './kube-watch.ts'

/** What happens to a request instead of an answer: a status, a cut connection, silence, or whatever `run` writes. */
export type KubeFault = {
  readonly when: (request: KubeRequest) => boolean
  readonly times?: number
  readonly answer?: KubeStatus
  readonly headers?: Record<string, string>
  readonly cut?: boolean
  readonly hang?: boolean
  readonly run?: (response: ServerResponse, request: KubeRequest) => void
}

/** Its certificate, and what it asks of its clients' (`requestCert`, `ca`). */
export type KubeTls = Pick<SecureServerOptions, 'key' | 'cert' | 'ca' | 'requestCert' | 'rejectUnauthorized'>

export type KubeApi = Awaited<ReturnType<typeof startKubeApi>>

/** What carries a request: the socket, or the session that many share. */
function connectionOf(response: ServerResponse): object {
  const { stream } = response as unknown as { stream?: { session?: object } }
  return stream?.session ?? response.req.socket
}

/** A Kubernetes API server as its clients see it: lists, watches, pages, selectors, roles, and every way it has of failing. */
export async function startKubeApi({ tls }: { tls?: KubeTls } = {}) {
  const store = createKubeStore()
  const habits: WatchSettings = { bookmarkMs: 60_000, chunk: 0, gone: 'event' }
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
  let rules: KubeRule[] | undefined
  let tokens: Map<string, string> | undefined
  let lists = { now: 0, peak: 0, delayMs: 0, held: Promise.resolve() }
  let frozen = new WeakSet<object>()
  let blackHole = false
  let onHeaders = (_headers: IncomingHttpHeaders): void => {}

  function send(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
    if (frozen.has(connectionOf(response))) return
    const bytes = Buffer.from(JSON.stringify(body))
    response.writeHead(code, { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers })
    response.end(bytes)
  }

  const refuse = (response: ServerResponse, answer: KubeStatus, headers?: Record<string, string>) =>
    send(response, answer.code, answer, headers)

  function faultFor(request: KubeRequest): KubeFault | undefined {
    const found = faults.find(({ fault }) => fault.when(request))
    if (found && --found.left <= 0) faults = faults.filter((one) => one !== found)
    return found?.fault
  }

  function matcherOf({ query }: KubeRequest): (object: KubeObject) => boolean {
    const labels = parseSelector(query.get('labelSelector') ?? '')
    const fields = parseFields(query.get('fieldSelector') ?? '')
    return ({ metadata }) => labels(metadata.labels ?? {}) && fields(metadata)
  }

  async function list(response: ServerResponse, request: KubeRequest, resource: KubeResource): Promise<void> {
    lists.now++
    lists.peak = Math.max(lists.peak, lists.now)
    try {
      const limit = Number(request.query.get('limit') ?? 0)
      const token = request.query.get('continue') ?? ''
      const begun = token === '' ? undefined : snapshots.get(token)
      if (token !== '' && !begun) return refuse(response, continueExpired())
      const version = begun?.version ?? store.version()
      const all = begun?.rest ?? store.list(resource.plural, request.namespace).filter(matcherOf(request))
      await lists.held
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
      lists.now--
    }
  }

  function watch(response: ServerResponse, request: KubeRequest, resource: KubeResource): void {
    const asked = {
      resource,
      namespace: request.namespace,
      matches: matcherOf(request),
      version: request.query.get('resourceVersion') ?? '',
      bookmarks: request.query.get('allowWatchBookmarks') === 'true',
      seconds: Number(request.query.get('timeoutSeconds') ?? 1800),
    }
    const refusal = watchRefusal(store, asked)
    if (refusal && (habits.gone === 'status' || refusal.code !== 410)) return refuse(response, refusal)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (refusal) {
      response.write(`${JSON.stringify({ type: 'ERROR', object: refusal })}\n`)
      if (habits.gone === 'event') response.end()
      return
    }
    const pipe = {
      write: (chunk: Buffer) => void (frozen.has(connectionOf(response)) || response.write(chunk)),
      end: () => void (frozen.has(connectionOf(response)) || response.end()),
    }
    const open = { ...openWatch(store, asked, pipe, habits), response, request }
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
    const given = body as unknown as KubeObject
    const name = request.name ?? given.metadata.name
    const before = store.get(resource.plural, namespace, name)
    const place = resource.namespaced ? { namespace } : {}
    if (request.verb === 'create') {
      if (before) return refuse(response, conflict(resource.plural, name))
      return send(response, 201, store.put(resource.plural, { ...given, metadata: { ...given.metadata, ...place } }))
    }
    if (!before) return refuse(response, notFound(resource.plural, name))
    if (request.verb === 'delete') {
      store.remove(resource.plural, namespace, name)
      return send(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
    }
    const strategic = message.headers['content-type']?.includes('strategic') ?? false
    const now = request.verb === 'patch' ? (applyPatch(before, body, strategic) as KubeObject) : given
    send(response, 200, store.put(resource.plural, { ...now, metadata: { ...now.metadata, ...place } }))
  }

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const bearer = /^Bearer (.*)$/.exec(message.headers.authorization ?? '')?.[1]
    const user = tokens ? tokens.get(bearer ?? '') : 'system:admin'
    const request = parseKubeRequest(message.method ?? 'GET', new URL(message.url ?? '/', 'http://fake'), user)
    requests.push(request)
    onHeaders(message.headers)
    if (blackHole || frozen.has(connectionOf(response))) return
    const fault = faultFor(request)
    if (fault?.cut) return void message.socket.destroy()
    if (fault?.hang) return
    if (fault?.run) return fault.run(response, request)
    if (fault?.answer) return refuse(response, fault.answer, fault.headers)
    if (user === undefined) return refuse(response, unauthorized())
    const document = documents[request.path]
    if (document) return send(response, 200, document)
    const { resource, namespace, name, verb } = request
    if (!resource) return refuse(response, status(404, 'NotFound', 'the server could not find the requested resource'))
    if (!isAllowed(rules, request))
      return refuse(response, forbidden(user, verb, resource.plural, resource.group, namespace))
    if (verb === 'list') return list(response, request, resource)
    if (verb === 'watch') return watch(response, request, resource)
    if (verb !== 'get') return write(message, response, request, resource)
    const found = store.get(resource.plural, namespace ?? '', name ?? '')
    return found
      ? send(response, 200, { kind: resource.kind, apiVersion: apiVersionOf(resource), ...found })
      : refuse(response, notFound(resource.plural, name ?? ''))
  }

  function create() {
    const onRequest = (message: IncomingMessage, response: ServerResponse) =>
      void answer(message, response).catch((error: unknown) =>
        refuse(response, status(400, 'BadRequest', error instanceof Error ? error.message : String(error))),
      )
    const made = tls
      ? http2.createSecureServer({ ...tls, allowHTTP1: true }, onRequest as never)
      : http.createServer(onRequest)
    made.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    return made
  }

  let server = create()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  /** Every connection is reset, and new ones are refused until `start`. */
  async function stop(): Promise<void> {
    for (const { stop } of watches) stop()
    watches.clear()
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  async function start(options: { tls?: KubeTls } = {}): Promise<void> {
    tls = options.tls ?? tls
    server = create()
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  }

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    store,
    habits,
    requests,
    watches: () => [...watches].map(({ request }) => request),
    connections: () => sockets.size,
    lists,
    stop,
    start,
    /** From now on these tokens are users; all others are turned away. */
    users: (known: Record<string, string>) => void (tokens = new Map(Object.entries(known))),
    rules: (granted: readonly KubeRule[]) => void (rules = [...granted]),
    fail: (fault: KubeFault) => void faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    heal: () => void (faults = []),
    /** Sends a raw event into every open watch that `when` names. */
    inject: (type: string, object: unknown, when: (request: KubeRequest) => boolean = () => true) => {
      for (const watch of watches) if (when(watch.request)) watch.send(type, object)
    },
    /** Connections that are open now stay so, and nothing ever comes through them again. */
    freeze: () => {
      frozen = new WeakSet()
      for (const { response } of watches) frozen.add(connectionOf(response))
    },
    watchHeaders: (see: typeof onHeaders) => void (onHeaders = see),
    /** Nothing is answered from now on, whatever connects. */
    swallow: (all: boolean) => void (blackHole = all),
    /** `continue` tokens handed out so far are too old from now on. */
    expirePages: () => snapshots.clear(),
    [Symbol.asyncDispose]: stop,
  }
}
