import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { parseQuery } from '../../model/parameters.ts'
import type { ServerQuery } from '../../model/query.ts'
import type { Selection } from '../../registry/indexes.ts'
import type { Journal } from '../../registry/journal.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Principal } from '../access.ts'
import { problemOf } from '../asked.ts'
import type { Watch as Limits } from '../config.ts'
import type { Front } from '../hot.ts'
import { Problem } from '../problem.ts'
import { everywhere, problemReply, send } from '../reply.ts'
import { type Audience, createAudience } from './audience.ts'
import { type Format, pieceOf } from './frames.ts'
import { createPolls } from './poll.ts'
import { own, type Place, type Wish, wishIn } from './request.ts'
import { serversAsked, type Subject } from './subject.ts'
import { findVanished } from './vanished.ts'
import { createWatchers, push, type Watcher } from './watcher.ts'

export type WatchParts = {
  readonly registry: Pick<Registry, 'subscribe' | 'revision'> & {
    readonly select: (query: ServerQuery) => Selection
  }
  readonly journal: Journal
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
export type Watched = Place & { readonly subject: (parameters: URLSearchParams) => Subject }

/** Who asks, and what is said beside the answer. */
export type Asking = { readonly principal: Principal; readonly cors: Readonly<Record<string, string>> | undefined }

/** The event loop gets a turn whenever a pass over the watchers has taken this long. */
const sliceMs = 8

const contentTypes: Record<Format, string> = {
  sse: 'text/event-stream',
  lines: 'application/x-ndjson',
  array: 'application/json',
}

const ignore = () => {}

/**
 * Tells every watcher every change of what it watches, once and in order.
 *
 * Nobody has a queue: a pass goes over all watchers and writes to each what it does not know yet, out of the journal, and
 * goes on until all know everything. So however fast things change and however many watch, a pass is all that waits.
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
  const audiences = new Map<string, Audience>()
  const watchers = new Set<Watcher>()
  const perPrincipal = new Map<string, number>()
  let total = 0
  let passing = false
  let again = false
  let closed = false
  let complete = false
  let underway = Promise.resolve()

  const { deliver, startOver, beat, cut, cuts } = createWatchers({
    newest: journal.newest,
    tokenOf: journal.tokenOf,
    bufferBytes: () => limits().buffer_bytes,
    stallMs,
    complete: isComplete,
    onGone: (watcher) => void watchers.delete(watcher),
  })
  const polls = createPolls({ journal })

  const leave = registry.subscribe(wake)
  const timers = [
    setInterval(() => void everySoOften().catch(onError), Math.min(1000, heartbeatMs / 2)).unref(),
    setInterval(() => void letGo().catch(onError), vanished.everyMs).unref(),
  ]

  function isComplete(): boolean {
    complete ||= ready()
    return complete
  }

  function wake(): void {
    again = true
    if (passing || (watchers.size === 0 && polls.size() === 0)) return
    passing = true
    void pass().catch(onError)
  }

  async function pass(): Promise<void> {
    try {
      // What changes in the same turn of the loop is told together.
      await setImmediate()
      while (again) {
        again = false
        await forEach(polls.all(), polls.deliver)
        await forEach(watchers, deliver)
        for (const audience of audiences.values()) audience.forget()
      }
    } finally {
      passing = false
    }
  }

  async function forEach<T>(all: Iterable<T>, act: (one: T) => void): Promise<void> {
    let started = performance.now()
    for (const one of all) {
      try {
        act(one)
      } catch (error) {
        onError(error) // one watcher's trouble is not its neighbours'
      }
      if (performance.now() - started < sliceMs) continue
      await setImmediate()
      started = performance.now()
    }
  }

  async function everySoOften(): Promise<void> {
    // The last source to answer may have had nothing new to say, and then nothing else wakes those who wait for it.
    if (!complete && isComplete()) wake()
    await forEach(watchers, (watcher) => beat(watcher, { heartbeatMs, bookmarkMs }))
    if (!passing) for (const audience of audiences.values()) audience.forget()
  }

  /** Lets go of those whose system acknowledges nothing any more; there is nobody to tell why. */
  async function letGo(): Promise<void> {
    if (watchers.size === 0) return
    const hasVanished = await findVanished(vanished.times)
    await forEach(watchers, ({ response }) => {
      if (response.socket && hasVanished(response.socket)) response.destroy()
    })
  }

  function inTurn(work: () => Promise<void>): void {
    underway = underway.then(work).catch(onError)
  }

  function audienceOf(subject: Subject): Audience {
    const known = audiences.get(subject.key)
    if (known) return known
    const audience = createAudience({ subject, journal, registry, inTurn, ready: wake })
    audiences.set(subject.key, audience)
    return audience
  }

  /** Counts one more of a subject and of somebody's, until its response closes; what is kept of it meanwhile is little. */
  function admit(response: ServerResponse, { name }: Principal, subject: Subject): Audience {
    const audience = audienceOf(subject)
    audience.enter()
    total += 1
    perPrincipal.set(name, (perPrincipal.get(name) ?? 0) + 1)
    // Without a listener, writing to a reader that has just gone would be an error nobody caught.
    response.on('error', ignore)
    response.on('close', () => {
      total -= 1
      const rest = (perPrincipal.get(name) ?? 1) - 1
      if (rest === 0) perPrincipal.delete(name)
      else perPrincipal.set(name, rest)
      if (audience.leave() === 0) audiences.delete(audience.key)
    })
    return audience
  }

  function refusal({ name }: Principal): Problem | undefined {
    const { watchers: most, watchers_per_token: mostOfOne } = limits()
    const headers = { 'retry-after': String(1 + Math.floor(random() * 10)) }
    if (closed) return new Problem(503, 'The registry is going down.', { headers })
    if (total >= most) return new Problem(503, `There are ${most} watchers already; try again later.`, { headers })
    if (name === 'anonymous' || (perPrincipal.get(name) ?? 0) < mostOfOne) return undefined
    return new Problem(429, `This token has ${mostOfOne} watchers already.`, { headers })
  }

  /** Streams what is watched, from a token on or from the beginning. Ends only with the connection. */
  function stream(
    request: IncomingMessage,
    response: ServerResponse,
    { subject, format, from, principal, cors }: Asking & { subject: Subject; format: Format; from: string | undefined },
  ): void {
    const refused = refusal(principal)
    if (refused) return send(request, response, problemReply(refused), cors)
    response.writeHead(200, {
      ...everywhere,
      'content-type': contentTypes[format],
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      vary: 'Origin',
      ...cors,
    })
    if (request.method === 'HEAD') return void response.end()
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
  }

  function begin(watcher: Watcher, from: string | undefined): void {
    const { response, format } = watcher
    const { socket } = response
    watchers.add(watcher)
    socket?.cork()
    response.flushHeaders()
    if (format === 'sse') push(watcher, pieceOf(`retry: ${1000 + Math.floor(random() * (4000 + 2 * total))}\n\n`))
    const revision = from === undefined ? undefined : journal.revisionOf(from)
    if (typeof revision === 'number') watcher.revision = revision
    else if (revision) startOver(watcher, revision.reason)
    deliver(watcher)
    socket?.uncork()
  }

  function poll(
    request: IncomingMessage,
    response: ServerResponse,
    { subject, index, waitMs, principal, cors }: Asking & { subject: Subject; index: string; waitMs: number },
  ): void {
    const refused = refusal(principal)
    if (refused) return send(request, response, problemReply(refused), cors)
    const audience = admit(response, principal, subject)
    polls.open({ request, response, audience, index, waitMs: request.method === 'HEAD' ? 0 : waitMs, cors })
  }

  const servers: Watched = {
    path: '/servers',
    strict: true,
    subject(parameters) {
      const parsed = parseQuery(parameters, { besides: own })
      if ('problem' in parsed) throw problemOf(parsed.problem)
      return serversAsked(parsed.query, registry.select)
    },
  }

  /** Answers every spelling of a watch of one place. */
  function frontOf(watched: Watched): Front {
    return (request, response, admission) => {
      const wish = admission.problem ? undefined : wishIn(request, watched)
      if (!wish || admission.problem) return false
      const { principal, cors } = admission
      try {
        answer(request, response, { wish, subject: subjectOf(wish, watched), principal, cors })
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        send(request, response, problemReply(error), cors)
      }
      return true
    }
  }

  function subjectOf(wish: Wish, { subject }: Watched): Subject {
    if (wish.type === 'wrong') throw problemOf(wish.wrong)
    return subject(wish.parameters)
  }

  function answer(
    request: IncomingMessage,
    response: ServerResponse,
    { wish, ...asking }: Asking & { wish: Wish; subject: Subject },
  ): void {
    if (wish.type === 'poll') poll(request, response, { ...asking, ...wish })
    else if (wish.type === 'stream') stream(request, response, { ...asking, ...wish })
  }

  /** Says goodbye to everybody; who comes later is turned away. */
  async function close(): Promise<void> {
    closed = true
    leave()
    for (const timer of timers) clearInterval(timer)
    polls.close()
    await forEach([...watchers], (watcher) => cut(watcher, 'shutdown'))
  }

  return {
    front: frontOf(servers),
    frontOf,
    close,
    counts: () => ({ watchers: total, audiences: audiences.size, cut: { ...cuts } }),
  }
}
export type Watch = ReturnType<typeof createWatch>
