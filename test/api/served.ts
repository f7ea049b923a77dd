import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createAccess } from '../../src/api/access.ts'
import { createApp } from '../../src/api/app.ts'
import { Limits, type Role, type TokenGrant } from '../../src/api/config.ts'
import { type Api, createEdge } from '../../src/api/edge.ts'
import { createGuard, type GuardRules } from '../../src/api/guard.ts'
import { listen, type ListenOptions } from '../../src/api/listen.ts'
import type { ApiParts } from '../../src/api/parts.ts'
import { jsonReply } from '../../src/api/reply.ts'
import { silent } from '../../src/log.ts'
import type { Registered } from '../../src/model/change.ts'
import type { Server } from '../../src/model/server.ts'
import { registered } from '../made.ts'

export const limits = Limits.parse({})

/** A registry of a few servers, whose revision the test moves by `put`. */
export function shelf(...servers: readonly Partial<Server>[]) {
  const rows = new Map<string, Registered>()
  let revision = 0

  function put(fields: Partial<Server>): void {
    revision += 1
    const row = registered({ resource_version: `e-${revision}`, ...fields })
    rows.set(row.server.id, row)
  }

  for (const server of servers) put(server)
  const list = () => [...rows.values()].toSorted((one, other) => (one.server.id < other.server.id ? -1 : 1))
  return { put, list, get: (id: string) => rows.get(id), token: () => `e-${revision}`, size: () => rows.size }
}

/** Everything the application asks for, quiet and empty but for the registry. */
export function parts(registry: ReturnType<typeof shelf> = shelf()): ApiParts {
  return {
    registry,
    lists: { answer: () => jsonReply(listBody(registry), { etag: `"${registry.token()}"` }) },
    supervisor: {
      sources: () => [],
      syncing: () => [],
      names: () => [],
      ready: () => true,
      refresh: () => Promise.reject(new Error('no source')),
    },
    monitor: {
      volatile: () => undefined,
      check: () => Promise.resolve(undefined),
      suspicion: () => undefined,
      clearSuspicion: () => {},
    },
    reload: () => Promise.resolve({ applied: true }),
    name: 'test',
    version: '0.0.0',
    log: silent,
  }
}

function listBody({ list }: ReturnType<typeof shelf>): Buffer {
  return Buffer.from(JSON.stringify({ servers: list().map(({ server }) => server) }))
}

export type Options = {
  readonly servers?: readonly Partial<Server>[]
  readonly tokens?: readonly TokenGrant[]
  readonly anonymous?: Role
  readonly guard?: Partial<GuardRules>
  readonly listen?: Partial<ListenOptions>
  readonly parts?: Partial<ApiParts>
  readonly bodyBytes?: number
  readonly graceMs?: number
  readonly app?: Api
}

/** The whole edge on a free port of loopback, in front of `shelf`. */
export async function serve(options: Options = {}) {
  const registry = shelf(...(options.servers ?? [{ name: 'weather' }]))
  const loopback = options.guard?.loopback ?? true
  const { app, front } = createApp({ ...parts(registry), ...options.parts })
  const guard = createGuard({
    access: createAccess({ tokens: options.tokens ?? [], anonymous: options.anonymous, loopback }),
    cors: { origins: [], methods: ['GET', 'POST'], headers: ['content-type', 'authorization'] },
    loopback,
    hosts: [],
    limits: { url_length: 8192, parameters: 100 },
    ...options.guard,
  })
  const edge = createEdge({
    app: options.app ?? app,
    guard: () => guard,
    fronts: [front],
    bodyBytes: () => options.bodyBytes ?? 1_048_576,
    log: silent,
  })
  const listening = await listen(
    edge.handle,
    { host: '127.0.0.1', port: 0, limits, log: silent, ...options.listen },
    { graceMs: options.graceMs ?? 1000 },
  )
  const { url, port } = listening
  return {
    registry,
    url,
    port,
    listening,
    edge,
    get: (path: string, init?: RequestInit) => fetch(url + path, init),
    /** Sends bytes as they are and returns everything that comes back until the other side closes. */
    raw: (bytes: string) => raw(port, bytes),
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}

export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes)
  return text(socket)
}

/** The status line's number, the headers and the body of the first answer in `answer`. */
export function read(answer: string): { status: number; head: string; body: string } {
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s)
  return { status: Number(head.slice(9, 12)), head: head.toLowerCase(), body }
}
