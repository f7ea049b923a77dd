import type { Socket } from 'node:net'
import { parseQuery } from '../../model/query/query-parser.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import type { ChangeLog } from '../../registry/change-log.ts'
import type { SelectedServers } from '../../registry/index/server-index.ts'
import type { Registry } from '../../registry/registry.ts'
import type { WatchConfig } from '../config/watch.ts'
import { compression } from '../http/compression.ts'
import type { ApiContext, ApiResponse, Bindings } from '../http/context.ts'
import { parameterProblem } from '../http/parameters.ts'
import { type Reply, uncachedHeaders } from '../http/reply.ts'
import { respond, respondedRaw } from '../http/respond.ts'
import { createAdmission } from './admission.ts'
import { createBufferBudget } from './buffer-budget.ts'
import { findDeadPeers } from './dead-peers.ts'
import { createDeliveryLoop, forEachCatching } from './delivery-loop.ts'
import { createDelivery } from './delivery.ts'
import { createLongPolls } from './long-polls.ts'
import { contentTypes, type StreamFormat, textPiece } from './pieces/frames.ts'
import { createRelay } from './relayed-events.ts'
import type { SubscriptionGroup } from './subscription-group.ts'
import { createSubscriptionGroups } from './subscription-groups.ts'
import { parseWatchRequest, watchParameters, type WatchPath } from './watch-request.ts'
import { serverSelection, type WatchSelection } from './watch-selection.ts'
import { createWatcher, startStream, type Watcher, writePiece } from './watcher.ts'

export type WatchServiceOptions = {
  readonly registry: Pick<Registry, 'subscribe' | 'revision' | 'size'> & {
    readonly select: (query: ServerQuery) => SelectedServers
  }
  readonly changeLog: ChangeLog
  readonly limits: () => WatchConfig
  /** Whether every source has answered since the start, or its time to do so has passed. */
  readonly isReady?: () => boolean
  readonly onError: (error: unknown) => void
  readonly heartbeatMs?: number
  readonly bookmarkMs?: number
  readonly stallMs?: number
  /** TCP keep-alive: the idle time before the first probe, the pause between probes, and their number. */
  readonly tcpKeepAlive?: { readonly idleMs: number; readonly intervalMs: number; readonly probes: number }
  /** How often dead peers are searched, and the retransmits of one. */
  readonly deadPeers?: { readonly intervalMs: number; readonly minRetransmits: number }
  readonly trustedProxies?: () => readonly string[]
  readonly random?: () => number
}

/** A path to watch and how its parameters select resources. `select` throws a `Problem` for an invalid parameter. */
export type WatchedPath = WatchPath & { readonly select: (parameters: URLSearchParams) => WatchSelection }

export type WatchService = ReturnType<typeof createWatch>

/** Answers a request for a watch; undefined for another request. */
export type WatchRoute = (c: ApiContext) => ApiResponse | undefined

/**
 * Sends every watcher each change of its selection once and in order.
 *
 * Watchers have no queues: the delivery loop writes to each the events that it lacks, from the change log.
 */
export function createWatch({
  registry,
  changeLog,
  limits,
  isReady = () => true,
  onError,
  heartbeatMs = 15_000,
  bookmarkMs = 30_000,
  stallMs = 60_000,
  tcpKeepAlive = { idleMs: 5000, intervalMs: 2000, probes: 4 },
  deadPeers = { intervalMs: 10_000, minRetransmits: 7 },
  trustedProxies = () => [],
  random = Math.random,
}: WatchServiceOptions) {
  const watchers = new Set<Watcher>()
  let wasReady = false

  const budget = createBufferBudget({ maxBytes: () => limits().max_total_buffer_bytes })
  const { deliver, keepAlive, disconnect, release, disconnects } = createDelivery({
    newest: changeLog.newest,
    tokenOf: changeLog.tokenOf,
    revisionOf: changeLog.revisionOf,
    maxBufferBytes: () => limits().max_buffer_bytes,
    budget,
    stallMs,
    isComplete,
    onDisconnect: (watcher) => void watchers.delete(watcher),
  })
  const polls = createLongPolls({ changeLog })
  const admission = createAdmission({ limits, random, trustedProxies })
  const loop = createDeliveryLoop({ isNeeded: () => watchers.size > 0 || polls.size() > 0, deliverAll, onError })
  const groups = createSubscriptionGroups({ registry, changeLog, onEncoded: loop.wake, onError })

  const unsubscribe = registry.subscribe(loop.wake)
  const timers = [
    setInterval(() => void maintain().catch(onError), Math.min(1000, heartbeatMs / 2)).unref(),
    setInterval(() => void destroyDeadPeers().catch(onError), deadPeers.intervalMs).unref(),
  ]

  function isComplete(): boolean {
    wasReady ||= isReady()
    return wasReady
  }

  async function deliverAll(): Promise<void> {
    await forEachCatching(polls.all(), polls.deliver, onError)
    await forEachCatching(watchers, deliver, onError)
    groups.evict()
  }

  async function maintain(): Promise<void> {
    // The last source to answer may have had no changes; then nothing else wakes the watchers that wait for it.
    if (!wasReady && isComplete()) loop.wake()
    await forEachCatching(watchers, (watcher) => keepAlive(watcher, { heartbeatMs, bookmarkMs }), onError)
    if (!loop.isRunning()) groups.evict()
  }

  /** Closes the connections to peers that acknowledge nothing. They get no reason, since they would not read it. */
  async function destroyDeadPeers(): Promise<void> {
    if (watchers.size === 0) return
    const isDead = await findDeadPeers(deadPeers.minRetransmits)
    if (!isDead) return
    const destroy = ({ response }: Watcher) => {
      if (response.socket && isDead(response.socket)) response.destroy()
    }
    await forEachCatching(watchers, destroy, onError)
  }

  /** Counts a watcher in its group and its quota until its response closes. */
  function join(env: Bindings, selection: WatchSelection): SubscriptionGroup {
    const group = groups.join(selection)
    admission.count(env, () => groups.leave(group))
    return group
  }

  /** Finds a dead peer while everything written to it is acknowledged; `destroyDeadPeers` finds the others. */
  function keepSocketAlive(socket: Socket): void {
    socket.setKeepAlive(true, tcpKeepAlive.idleMs, tcpKeepAlive.intervalMs, tcpKeepAlive.probes)
  }

  /** Streams a selection, from a token or with a snapshot first, until the connection closes. */
  function stream(
    { env }: ApiContext,
    { selection, format, from }: { selection: WatchSelection; format: StreamFormat; from: string | undefined },
  ): Response {
    const { incoming: request, outgoing: response, cors } = env
    const encoding = compression.gzipIn(request.headers['accept-encoding'])
    const headers = {
      ...uncachedHeaders,
      'content-type': contentTypes[format],
      ...(encoding && { 'content-encoding': encoding }),
      vary: 'Origin, Accept-Encoding',
      'x-accel-buffering': 'no',
      ...cors,
    }
    if (request.method === 'HEAD') return new Response(null, { headers })
    response.writeHead(200, headers)
    keepSocketAlive(request.socket)
    const group = join(env, selection)
    const watcher = createWatcher({ response, group, format, encoding, from })
    response.on('close', () => {
      watchers.delete(watcher)
      release(watcher)
    })
    begin(watcher)
    return respondedRaw
  }

  function begin(watcher: Watcher): void {
    const { response, format } = watcher
    const { socket } = response
    watchers.add(watcher)
    socket?.cork()
    startStream(watcher)
    // The pause before a reconnect grows with the number of watchers, so that they do not all return at once.
    if (format === 'sse')
      writePiece(
        watcher,
        textPiece(watcher, `retry: ${1000 + Math.floor(random() * (4000 + 2 * admission.total()))}\n\n`),
      )
    deliver(watcher)
    keepAlive(watcher, { heartbeatMs, bookmarkMs })
    socket?.uncork()
  }

  async function poll(
    c: ApiContext,
    { selection, index, waitMs }: { selection: WatchSelection; index: string; waitMs: number },
  ): Promise<Response> {
    const { incoming, outgoing: response } = c.env
    const group = join(c.env, selection)
    const reply = await new Promise<Reply>((answer) =>
      polls.open({ response, group, index, waitMs: incoming.method === 'HEAD' ? 0 : waitMs, answer }),
    )
    return respond(c, reply)
  }

  const servers: WatchedPath = {
    path: '/servers',
    strict: true,
    hasFields: true,
    select(parameters) {
      const parsed = parseQuery(parameters, { otherParameters: watchParameters })
      if ('problem' in parsed) throw parameterProblem(parsed.problem)
      return serverSelection(parsed.query, registry.select)
    },
  }

  /** Answers every spelling of a watch of one path. */
  function routeOf(watched: WatchedPath): WatchRoute {
    return (c) => {
      const request = parseWatchRequest(c.env.incoming, watched)
      if (!request) return undefined
      if (request.type === 'invalid') throw parameterProblem(request.issue)
      const selection = watched.select(request.parameters)
      admission.assertFree(c.env)
      return request.type === 'poll' ? poll(c, { ...request, selection }) : stream(c, { ...request, selection })
    }
  }

  /** Disconnects every watcher with a reason; further ones get 503. */
  async function close(): Promise<void> {
    admission.close()
    unsubscribe()
    for (const timer of timers) clearInterval(timer)
    polls.close()
    await forEachCatching([...watchers], (watcher) => disconnect(watcher, 'shutdown'), onError)
  }

  /** Counts a request that waits, until its response closes. Throws the problem of one beyond the limits. */
  function admit({ env }: ApiContext): void {
    admission.assertFree(env)
    admission.count(env)
  }

  return {
    admit,
    relay: createRelay({ limits, budget, disconnects, keepAlive: keepSocketAlive, onError }),
    servers: routeOf(servers),
    routeOf,
    close,
    counts: () => ({
      watchers: admission.total(),
      groups: groups.size(),
      disconnects: { ...disconnects },
      bufferedBytes: budget.bytes(),
    }),
  }
}
