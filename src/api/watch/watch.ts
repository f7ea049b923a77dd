import type { ServerResponse } from 'node:http'
import type { Principal } from '../../model/principal.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import type { ChangeLog } from '../../registry/change-log.ts'
import type { SelectedServers } from '../../registry/index/server-index.ts'
import type { Registry } from '../../registry/registry.ts'
import type { WatchConfig as Limits } from '../config/watch.ts'
import type { ApiContext, ApiResponse } from '../http/context.ts'
import { parameterProblem } from '../http/parameters.ts'
import { type Reply, toResponse, uncachedHeaders } from '../http/reply.ts'
import { respondedRaw } from '../http/respond.ts'
import { createAdmission } from './admission.ts'
import { findDeadPeers } from './dead-peers.ts'
import { createDeliveryLoop, forEach } from './delivery-loop.ts'
import { type StreamFormat, pieceOf } from './frames.ts'
import { createPolls } from './poll.ts'
import { own, type StartToken, parseWatchRequest } from './request.ts'
import type { SubscriptionGroup } from './subscription-group.ts'
import { createSubscriptionGroups } from './subscription-groups.ts'
import { serversAsked, type WatchSelection } from './watch-selection.ts'
import { createWatchers, push, type Watcher } from './watcher.ts'

export type WatchParts = {
  readonly registry: Pick<Registry, 'subscribe' | 'revision'> & {
    readonly select: (query: ServerQuery) => SelectedServers
  }
  readonly journal: ChangeLog
  readonly limits: () => Limits
  /** Whether every source has answered since the start, or has had its time to. */
  readonly ready?: () => boolean
  readonly onError: (error: unknown) => void
  readonly heartbeatMs?: number
  readonly bookmarkMs?: number
  readonly stallMs?: number
  /** When a silent connection is asked whether it is there, how soon again, and how often in vain. */
  readonly askMs?: { readonly idle: number; readonly again: number; readonly times: number }
  /** How often it is looked who has vanished, and how often something was sent in vain to him by then. */
  readonly vanished?: { readonly everyMs: number; readonly times: number }
  readonly random?: () => number
}

/** A place where something is watched; `subject` throws a `Problem` where the parameters are wrong. */
export type Watched = StartToken & { readonly subject: (parameters: URLSearchParams) => WatchSelection }

/** Answers a request for a watch; undefined for another request. */
export type WatchRoute = (c: ApiContext) => ApiResponse | undefined

const contentTypes: Record<StreamFormat, string> = {
  sse: 'text/event-stream',
  lines: 'application/x-ndjson',
  array: 'application/json',
}

const ignore = () => {}

/**
 * Tells every watcher every change of what it watches, once and in order.
 *
 * Nobody has a queue: a pass goes over all watchers and writes to each what it does not know yet, out of the journal.
 */
export function createWatch({
  registry,
  journal,
  limits,
  ready = () => true,
  onError,
  heartbeatMs = 15_000,
  bookmarkMs = 30_000,
  stallMs = 60_000,
  askMs = { idle: 5000, again: 2000, times: 4 },
  vanished = { everyMs: 10_000, times: 7 },
  random = Math.random,
}: WatchParts) {
  const watchers = new Set<Watcher>()
  let complete = false

  const { deliver, startOver, beat, cut, cuts } = createWatchers({
    newest: journal.newest,
    tokenOf: journal.tokenOf,
    bufferBytes: () => limits().max_buffer_bytes,
    stallMs,
    complete: isComplete,
    onGone: (watcher) => void watchers.delete(watcher),
  })
  const polls = createPolls({ journal })
  const admission = createAdmission({ limits, random })
  const passes = createDeliveryLoop({ needed: () => watchers.size > 0 || polls.size() > 0, pass, onError })
  const audiences = createSubscriptionGroups({ registry, journal, ready: passes.wake, onError })

  const leave = registry.subscribe(passes.wake)
  const timers = [
    setInterval(() => void everySoOften().catch(onError), Math.min(1000, heartbeatMs / 2)).unref(),
    setInterval(() => void letGo().catch(onError), vanished.everyMs).unref(),
  ]

  function isComplete(): boolean {
    complete ||= ready()
    return complete
  }

  async function pass(): Promise<void> {
    await forEach(polls.all(), polls.deliver, onError)
    await forEach(watchers, deliver, onError)
    audiences.forget()
  }

  async function everySoOften(): Promise<void> {
    // The last source to answer may have had nothing new to say, and then nothing else wakes those who wait for it.
    if (!complete && isComplete()) passes.wake()
    await forEach(watchers, (watcher) => beat(watcher, { heartbeatMs, bookmarkMs }), onError)
    if (!passes.isPassing()) audiences.forget()
  }

  /** Lets go of those whose system acknowledges nothing any more; there is nobody to tell why. */
  async function letGo(): Promise<void> {
    if (watchers.size === 0) return
    const hasVanished = await findDeadPeers(vanished.times)
    if (!hasVanished) return
    const destroy = ({ response }: Watcher) => {
      if (response.socket && hasVanished(response.socket)) response.destroy()
    }
    await forEach(watchers, destroy, onError)
  }

  /** Counts one more of a subject and of somebody's, until its response closes; what is kept of it meanwhile is little. */
  function admit(response: ServerResponse, principal: Principal, subject: WatchSelection): SubscriptionGroup {
    const audience = audiences.enter(subject)
    admission.enter(principal)
    // Without a listener, writing to a reader that has just gone would be an error nobody caught.
    response.on('error', ignore)
    response.on('close', () => {
      admission.leave(principal)
      audiences.leave(audience)
    })
    return audience
  }

  /** Streams what is watched, from a token on or from the beginning. Ends only with the connection. */
  function stream(
    { env: { incoming: request, outgoing: response, principal, cors } }: ApiContext,
    { subject, format, from }: { subject: WatchSelection; format: StreamFormat; from: string | undefined },
  ): Response {
    const headers = { ...uncachedHeaders, 'content-type': contentTypes[format], 'x-accel-buffering': 'no', ...cors }
    if (request.method === 'HEAD') return new Response(null, { headers })
    response.writeHead(200, headers)
    // Finds a peer that is gone without a word, as long as nothing was written to it since; `letGo` finds the others.
    request.socket.setKeepAlive(true, askMs.idle, askMs.again, askMs.times)
    const now = performance.now()
    const watcher: Watcher = {
      response,
      audience: admit(response, principal, subject),
      format,
      revision: undefined,
      returns: from !== undefined,
      sending: undefined,
      written: 0,
      blockedAt: 0,
      debt: 0,
      counted: 0,
      touchedAt: now,
      toldAt: now,
    }
    response.on('close', () => void watchers.delete(watcher))
    // What was asked for before on the same connection is answered before.
    if (response.socket) begin(watcher, from)
    else response.once('socket', () => queueMicrotask(() => begin(watcher, from)))
    return respondedRaw
  }

  function begin(watcher: Watcher, from: string | undefined): void {
    const { response, format } = watcher
    const { socket } = response
    watchers.add(watcher)
    socket?.cork()
    response.flushHeaders()
    if (format === 'sse')
      push(watcher, pieceOf(`retry: ${1000 + Math.floor(random() * (4000 + 2 * admission.total()))}\n\n`))
    const revision = from === undefined ? undefined : journal.revisionOf(from)
    if (typeof revision === 'number') watcher.revision = revision
    else if (revision) startOver(watcher, revision.reason)
    deliver(watcher)
    socket?.uncork()
  }

  async function poll(
    c: ApiContext,
    { subject, index, waitMs }: { subject: WatchSelection; index: string; waitMs: number },
  ): Promise<Response> {
    const { incoming, outgoing: response, principal } = c.env
    const audience = admit(response, principal, subject)
    const reply = await new Promise<Reply>((answer) =>
      polls.open({ response, audience, index, waitMs: incoming.method === 'HEAD' ? 0 : waitMs, answer }),
    )
    return toResponse(reply, c.env.cors)
  }

  const servers: Watched = {
    path: '/servers',
    strict: true,
    subject(parameters) {
      const parsed = parseQuery(parameters, { besides: own })
      if ('problem' in parsed) throw parameterProblem(parsed.problem)
      return serversAsked(parsed.query, registry.select)
    },
  }

  /** Answers every spelling of a watch of one place. */
  function routeOf(watched: Watched): WatchRoute {
    return (c) => {
      const request = parseWatchRequest(c.env.incoming, watched)
      if (!request) return undefined
      if (request.type === 'wrong') throw parameterProblem(request.wrong)
      const subject = watched.subject(request.parameters)
      const refusal = admission.refusal(c.env.principal)
      if (refusal) throw refusal
      return request.type === 'poll' ? poll(c, { ...request, subject }) : stream(c, { ...request, subject })
    }
  }

  /** Says goodbye to everybody; who comes later is turned away. */
  async function close(): Promise<void> {
    admission.close()
    leave()
    for (const timer of timers) clearInterval(timer)
    polls.close()
    await forEach([...watchers], (watcher) => cut(watcher, 'shutdown'), onError)
  }

  return {
    servers: routeOf(servers),
    routeOf,
    close,
    counts: () => ({ watchers: admission.total(), audiences: audiences.size(), cut: { ...cuts } }),
  }
}
export type Watch = ReturnType<typeof createWatch>
