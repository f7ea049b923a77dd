import assert from 'node:assert/strict'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { WatchConfig as Limits } from '../../../src/api/config/watch.ts'
import { createRoutes } from '../../../src/api/http/context.ts'
import { replyToError, toResponse } from '../../../src/api/http/reply.ts'
import { createWatch, type WatchParts } from '../../../src/api/watch/watch.ts'
import { silent } from '../../../src/log.ts'
import type { Principal } from '../../../src/model/principal.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { createTestRegistry, type TestRegistry } from '../../roster.ts'

/** What a watcher was told. */
export type Told = {
  readonly type: string
  readonly token?: string
  readonly reason?: string
  readonly server?: { readonly name: string; readonly status: string } & Readonly<Record<string, unknown>>
}

export type Options = Partial<WatchParts> & {
  readonly roster?: TestRegistry
  readonly limits?: () => Limits
  readonly journal?: ReturnType<typeof createChangeLog>
  readonly principal?: Principal
}

export const limits = (fields: Partial<Limits> = {}) => ({ ...Limits.parse({}), ...fields })

/** Watches of a registry that the test moves by hand, served on a free port of loopback. */
export async function serveWatch({ roster = createTestRegistry(), principal, ...options }: Options = {}) {
  const errors: unknown[] = []
  const journal = options.journal ?? createChangeLog({ registry: roster.registry })
  const watch = createWatch({
    registry: roster.registry,
    journal,
    limits: () => limits(),
    onError: (error) => errors.push(error),
    ...options,
  })
  const nobody: Principal = { name: 'anonymous', role: 'reader', secrets: false }
  const app = createRoutes()
  app.get('*', (c) => watch.servers(c) ?? c.notFound())
  const listener = getRequestListener(
    (request, env) =>
      app.fetch(request, {
        incoming: env.incoming as IncomingMessage,
        outgoing: env.outgoing as ServerResponse,
        principal: principal ?? nobody,
        cors: undefined,
      }),
    { hostname: 'localhost' },
  )
  app.onError((error) => toResponse(replyToError(error, { log: silent, path: '' }), undefined))
  const server = createServer((request, response) => void listener(request, response))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...roster,
    journal,
    watch,
    port,
    errors,
    /** How many have been sent as much as they and the system take, and must read before there is more. */
    waitedFor: () => [...sockets].filter(({ writableNeedDrain }) => writableNeedDrain).length,
    follow: (path: string, headers?: Record<string, string>, each?: (told: Told) => void) =>
      follow(port, path, headers, each),
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

/** One whole answer. */
export async function ask(port: number, path: string) {
  const response = await respond(port, path)
  let body = ''
  for await (const part of response.setEncoding('utf8')) body += part as string
  return { status: response.statusCode ?? 0, headers: response.headers, body, json: () => JSON.parse(body) as unknown }
}

export type Follower = Awaited<ReturnType<typeof follow>>

/** Reads a watch, whatever its spelling, as it comes; keeps what it is told, or hands it to `each`. */
export async function follow(
  port: number,
  path: string,
  headers?: Record<string, string>,
  each?: (told: Told) => void,
) {
  const response = await respond(port, path, headers)
  const isSse = response.headers['content-type'] === 'text/event-stream'
  const told: Told[] = []
  const keep = each ?? ((one: Told) => void told.push(one))
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
    if (!isSse) return keep(JSON.parse(frame) as Told)
    const fields = new Map(
      frame.split('\n').map((line) => /^([^:]*):? ?(.*)$/s.exec(line)?.slice(1) as [string, string]),
    )
    if (fields.has('')) comments.push(fields.get('') ?? '')
    if (fields.has('retry')) retry = Number(fields.get('retry'))
    const [type, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')]
    if (type === undefined || data === undefined) return
    keep({ type, ...(JSON.parse(data) as object), ...(id === undefined ? {} : { token: id }) })
  }

  response.setEncoding('utf8').on('data', read)
  response.on('error', () => {})
  response.on('close', () => {
    ended = true
    for (const wake of waiting) wake()
  })

  /** Waits for `done` to hold, at most ten seconds. */
  async function until(done: () => boolean, what: string): Promise<void> {
    const limit = AbortSignal.timeout(10_000)
    while (!done()) {
      if (limit.aborted) throw new Error(`waited in vain for ${what}; told ${JSON.stringify(told).slice(0, 2000)}`)
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

  /** What was told until (and with) the first of this kind, taken off. */
  async function upTo(type: string): Promise<Told[]> {
    const index = () => told.findIndex((one) => one.type === type)
    await until(() => index() >= 0, type)
    return told.splice(0, index() + 1)
  }

  async function next(count = 1): Promise<Told[]> {
    await until(() => told.length >= count, `${count} events`)
    return told.splice(0, count)
  }

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    told,
    comments,
    upTo,
    next,
    until,
    retry: () => retry,
    ended: () => ended,
    response,
    close: () => response.destroy(),
  }
}

/** `ADDED a` and the like. */
export const shortly = (told: readonly Told[]): string[] =>
  told.map(({ type, server }) => (server ? `${type} ${server.name}` : type))

/** Waits until something holds. */
export async function untilTrue(done: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000
  while (!done()) {
    assert.ok(performance.now() < limit, `waited in vain for ${done.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
