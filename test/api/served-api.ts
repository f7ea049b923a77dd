import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createLeases } from '../../src/agents/leases/leases.ts'
import { createMeshOperations } from '../../src/agents/mesh-operations.ts'
import { createRegistrar } from '../../src/agents/registrar.ts'
import { createApp } from '../../src/api/app.ts'
import type { TokenGrant } from '../../src/api/config/auth.ts'
import { Limits } from '../../src/api/config/limits.ts'
import { createAuthenticator } from '../../src/api/http/access/authenticator.ts'
import { createRequestGuard, type GuardRules } from '../../src/api/http/access/guard.ts'
import type { Api } from '../../src/api/http/context.ts'
import { listen, type ListenOptions } from '../../src/api/http/listening/server.ts'
import { createPipeline } from '../../src/api/http/pipeline.ts'
import type { ApiPorts } from '../../src/api/ports.ts'
import { ClusterConfig } from '../../src/cluster/config.ts'
import { silent } from '../../src/log.ts'
import type { Role } from '../../src/model/principal.ts'
import { createTestRegistry, type TestRegistry, type ServerFields } from '../test-registry.ts'

export const limits = Limits.parse({})

/** The ports of the application, all empty but the registry. */
export function parts({ registry }: TestRegistry = createTestRegistry()): ApiPorts {
  return {
    registry,
    supervisor: {
      sources: () => [],
      syncing: () => [],
      names: () => [],
      isStarted: () => true,
      ready: () => true,
      mayNameVariables: () => true,
      refresh: () => Promise.reject(new Error('no source')),
    },
    monitor: {
      volatile: () => undefined,
      version: () => 0,
      probe: () => Promise.resolve(undefined),
      figuresOf: () => undefined,
      discovery: () => undefined,
      selfPreservation: () => undefined,
      endSelfPreservation: () => {},
    },
    probeUnlisted: () => Promise.resolve([]),
    cluster: {
      isShared: false,
      settings: ClusterConfig.parse(undefined),
      storeType: 'memory',
      self: () => ({ id: 'here', incarnation: '1' }),
      isMember: () => true,
      view: () => ({ members: [], leader: 'here', readAt: 0 }),
      leader: () => 'here',
      leaderSince: () => undefined,
      ownership: () => ({ own: 0, byMember: new Map(), unowned: 0 }),
      lastTakeover: () => undefined,
    },
    statistics: { ringsOf: () => undefined, timeline: () => [], minute: () => 0, isFull: () => false },
    manual: {
      put: () => Promise.reject(new Error('no store')),
      remove: () => Promise.reject(new Error('no store')),
      read: () => Promise.resolve(undefined),
      rehearsePut: () => Promise.resolve('create' as const),
      rehearseRemoval: () => Promise.resolve(),
      get: () => undefined,
      isPublished: () => true,
      assertLoaded: () => {},
      source: () => ({ name: 'manual', enabled: true, allow_stdio: false, reach: 'listed' as const }),
    },
    overrides: {
      set: () => Promise.reject(new Error('no store')),
      assertRoom: () => {},
      remove: () => Promise.reject(new Error('no store')),
      get: () => undefined,
      list: () => [],
    },
    publish: () => ({}),
    ui: () => ({ enabled: true, read_only: false }),
    instance: () => 'test-instance',
    store: () => ({ status: 'up' }),
    mesh: meshOf(registry),
    calls: { handle: () => Promise.reject(new Error('no calls')) },
    serverCalls: { handle: () => Promise.reject(new Error('no calls here')) },
    watch: {
      servers: () => undefined,
      agents: () => undefined,
      capabilities: () => undefined,
      admit: () => {},
      relay: () => assert.fail(),
    },
    journal: {
      isEnabled: () => true,
      read: async () => noEvents,
      follow: async () => noEvents,
      attribute: () => {},
    },
    mcp: { handle: () => Promise.resolve(new Response('{}')) },
    reload: () => Promise.resolve({ applied: true }),
    checkConfig: () => Promise.resolve({ isValid: false as const, reason: 'no config' }),
    config: () =>
      Promise.resolve({ settings: [], needs_restart: [], last_reload: { applied: true, at: '', warnings: [] } }),
    service: () => 'mcp-mesh-registry',
    warnings: () => [],
    name: 'test',
    version: '0.0.0',
    log: silent,
  }
}

/** A mesh without agents, in memory. */
function meshOf(registry: TestRegistry['registry']): ApiPorts['mesh'] {
  const leases = createLeases({
    clock: { now: () => 0 },
    retentionMs: 3_600_000,
    rules: () => ({ enabled: false, minSubjects: 10, ratio: 0.5, maxMs: 0 }),
  })
  const store = { commit: () => Promise.reject(new Error('no store')), recordHeartbeats: () => {} }
  const agents = createRegistrar({
    store,
    leases,
    settings: () => ({ maxAgents: 10, maxBytes: Infinity, maxAgentBytes: Infinity }),
    log: silent,
  })
  const { selfPreservation, endSelfPreservation } = leases
  return createMeshOperations({
    registrations: { agents, assertPublished: () => {}, selfPreservation, endSelfPreservation },
    registry,
    thresholds: () => ({ timeout: 60, eviction: 120 }),
    source: () => 'agents',
    log: silent,
  })
}

const noEvents = { events: [], newest: '0', oldest: undefined }

export type Before = (request: IncomingMessage, response: ServerResponse) => boolean

export type Options = {
  readonly servers?: readonly ServerFields[]
  readonly tokens?: readonly TokenGrant[]
  readonly anonymous?: Role
  readonly guard?: Partial<GuardRules>
  readonly listen?: Partial<ListenOptions>
  readonly parts?: Partial<ApiPorts>
  readonly bodyBytes?: number
  readonly graceMs?: number
  readonly app?: Api
  /** Gets every request first, and may answer it instead. */
  readonly before?: Before
}

/** The whole HTTP pipeline on a free loopback port, with a registry that the test changes. */
export async function serve(options: Options = {}) {
  const roster = createTestRegistry()
  roster.put(...(options.servers ?? [{ name: 'weather' }]))
  const loopback = options.guard?.loopback ?? true
  const guard = createRequestGuard({
    authenticator: createAuthenticator({ tokens: options.tokens ?? [], anonymous: options.anonymous, loopback }),
    cors: { origins: [], methods: ['GET', 'POST'], headers: ['content-type', 'authorization'] },
    loopback,
    hosts: [],
    limits: { max_url_length: 8192, max_parameters: 100 },
    ...options.guard,
  })
  const app = options.app ?? createApp({ ...parts(roster), ...options.parts })
  const pipeline = createPipeline({
    fetch: app.fetch,
    guard: () => guard,
    maxBodyBytes: () => options.bodyBytes ?? 2_097_152,
    log: silent,
  })
  const listening = await listen(
    (request, response) => {
      if (!options.before?.(request, response)) pipeline.handle(request, response)
    },
    { host: '127.0.0.1', port: 0, limits, log: silent, ...options.listen },
    { graceMs: options.graceMs ?? 1000 },
  )
  const { url, port } = listening
  return {
    roster,
    url,
    port,
    listening,
    pipeline,
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

/** Status, headers and body of the first response in `answer`. */
export function read(answer: string): { status: number; head: string; body: string } {
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s)
  return { status: Number(head.slice(9, 12)), head: head.toLowerCase(), body }
}
