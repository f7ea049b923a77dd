import assert from 'node:assert/strict'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createGunzip } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { WatchConfig } from '../../../src/api/config/watch.ts'
import { createRoutes } from '../../../src/api/http/context.ts'
import { createRequestQueues } from '../../../src/api/http/listening/request-queues.ts'
import { replyToError, toResponse } from '../../../src/api/http/reply.ts'
import { createWatch, type WatchServiceOptions } from '../../../src/api/watch/watch.ts'
import { silent } from '../../../src/log.ts'
import type { Principal } from '../../../src/model/principal.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry, type TestRegistry } from '../../test-registry.ts'

/** One event of a watch. */
export type WatchEvent = {
  readonly type: string
  readonly token?: string
  readonly reason?: string
  readonly server?: { readonly name: string; readonly status: string } & Readonly<Record<string, unknown>>
}

export type Options = Partial<WatchServiceOptions> & {
  readonly roster?: TestRegistry
  readonly limits?: () => WatchConfig
  readonly changeLog?: ReturnType<typeof createChangeLog>
  readonly principal?: Principal
}

export const limits = (fields: Partial<WatchConfig> = {}) => ({ ...WatchConfig.parse({}), ...fields })

/** Watches of a registry that the test changes, served on a free port of loopback. */
export async function serveWatch({ roster = createTestRegistry(), principal, ...options }: Options = {}) {
  const errors: unknown[] = []
  const changeLog = options.changeLog ?? createChangeLog({ registry: roster.registry })
  const watch = createWatch({
    registry: roster.registry,
    changeLog,
    limits: () => limits(),
    onError: (error) => errors.push(error),
    ...options,
  })
  const anonymous: Principal = { name: 'anonymous', role: 'reader', secrets: false }
  const app = createRoutes()
  app.get('*', (c) => watch.servers(c) ?? c.notFound())
  const listener = getRequestListener(
    (request, env) =>
      app.fetch(request, {
        incoming: env.incoming as IncomingMessage,
        outgoing: env.outgoing as ServerResponse,
        principal: principal ?? anonymous,
        cors: undefined,
      }),
    { hostname: 'localhost' },
  )
  app.onError((error) => toResponse(replyToError(error, { log: silent, path: '' }), undefined))
  const server = createServer(createRequestQueues().inTurn((request, response) => void listener(request, response)))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...roster,
    changeLog,
    watch,
    port,
    errors,
    /** Connections whose client must read before the server can write more. */
    blockedSockets: () => [...sockets].filter(({ writableNeedDrain }) => writableNeedDrain).length,
    follow: (path: string, headers?: Record<string, string>, onEvent?: (event: WatchEvent) => void) =>
      follow(port, path, headers, onEvent),
    ask: (path: string) => ask(port, path),
    async [Symbol.asyncDispose]() {
      await watch.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function respond(port: number, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ port, path, headers, agent: false }, resolve).on('error', reject)
  })
}

/** One whole response. */
export async function ask(port: number, path: string) {
  const response = await respond(port, path)
  let body = ''
  for await (const part of response.setEncoding('utf8')) body += part as string
  return { status: response.statusCode ?? 0, headers: response.headers, body, json: () => JSON.parse(body) as unknown }
}

export type Follower = Awaited<ReturnType<typeof follow>>

/** Reads a watch in any format; collects its events, or hands them to `onEvent`. */
export async function follow(
  port: number,
  path: string,
  headers?: Record<string, string>,
  onEvent?: (event: WatchEvent) => void,
) {
  const response = await respond(port, path, headers)
  const isSse = response.headers['content-type'] === 'text/event-stream'
  const events: WatchEvent[] = []
  const add = onEvent ?? ((event: WatchEvent) => void events.push(event))
  const comments: string[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  let ended = false
  let retry = 0

  function read(part: string): void {
    const frames = (rest + part).split(isSse ? '\n\n' : '\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) if (frame !== '') take(frame)
    for (const wake of waiting) wake()
  }

  function take(frame: string): void {
    if (!isSse) return add(JSON.parse(frame) as WatchEvent)
    const fields = new Map(
      frame.split('\n').map((line) => /^([^:]*):? ?(.*)$/s.exec(line)?.slice(1) as [string, string]),
    )
    if (fields.has('')) comments.push(fields.get('') ?? '')
    if (fields.has('retry')) retry = Number(fields.get('retry'))
    const [type, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')]
    if (type === undefined || data === undefined) return
    add({ type, ...(JSON.parse(data) as object), ...(id === undefined ? {} : { token: id }) })
  }

  // A strict reader: it fails where the stream ends without the right checksum.
  const isPacked = response.headers['content-encoding'] === 'gzip'
  const body = isPacked ? response.pipe(createGunzip()) : response
  const failures: Error[] = []
  body.setEncoding('utf8').on('data', read)
  body.on('error', (error) => void failures.push(error))
  response.on('error', () => {})
  response.on('close', () => response.complete || body.destroy())
  body.on('close', () => {
    ended = true
    for (const wake of waiting) wake()
  })

  /** Waits at most ten seconds for `done` to hold. */
  async function until(done: () => boolean, what: string): Promise<void> {
    const limit = AbortSignal.timeout(10_000)
    while (!done()) {
      if (limit.aborted)
        throw new Error(`timed out waiting for ${what}; events: ${JSON.stringify(events).slice(0, 2000)}`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake)
          limit.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        limit.addEventListener('abort', wake)
      })
    }
  }

  /** Takes the events up to the first of a type, that one included. */
  async function upTo(type: string): Promise<WatchEvent[]> {
    const index = () => events.findIndex((event) => event.type === type)
    await until(() => index() >= 0, type)
    return events.splice(0, index() + 1)
  }

  async function next(count = 1): Promise<WatchEvent[]> {
    await until(() => events.length >= count, `${count} events`)
    return events.splice(0, count)
  }

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    comments,
    upTo,
    next,
    until,
    retry: () => retry,
    ended: () => ended,
    failures,
    response,
    close: () => response.destroy(),
  }
}

/** `ADDED a` and the like. */
export const summaryOf = (events: readonly WatchEvent[]): string[] =>
  events.map(({ type, server }) => (server ? `${type} ${server.name}` : type))

/** Waits at most ten seconds for a condition. */
export async function untilTrue(done: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000
  while (!done()) {
    assert.ok(performance.now() < limit, `timed out waiting for ${done.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
