import { createMeshOperations } from '../../../src/agents/mesh-operations.ts'
import { createCalls } from '../../../src/api/calls/calls.ts'
import { CallsConfig } from '../../../src/api/config/calls.ts'
import type { ApiPorts } from '../../../src/api/ports.ts'
import { silent } from '../../../src/log.ts'
import type { Status } from '../../../src/model/health.ts'
import type { Source } from '../../../src/model/source.ts'
import type { HostLookup } from '../../../src/outbound/dns-lookup.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { startRegistrations } from '../../../src/registrations/registrations.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { createSupervisor, type SourcePlan } from '../../../src/registry/supervision/supervisor.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import type { Store } from '../../../src/stores/store.ts'
import { entry } from '../../builders.ts'
import { type Options, serve } from '../served-api.ts'

export type ListedServer = Readonly<Record<string, unknown>> & { readonly name: string; readonly status?: Status }

/**
 * The whole mesh over HTTP: registrations on a clock that only `pass` moves, one registry of a `file` source (with
 * `servers`, of higher precedence) and the agents, and the HTTP pipeline.
 */
export async function meshed({
  servers = [],
  store = openMemory({ log: silent }),
  opening = Promise.resolve(store),
  maxAgents = 200_000,
  takesAgents = true,
  calls = {},
  lookup,
  publish = () => ({}),
  ...options
}: {
  servers?: readonly ListedServer[]
  store?: Store
  opening?: Promise<Store>
  maxAgents?: number
  takesAgents?: boolean
  calls?: Partial<CallsConfig>
  /** How calls resolve host names. */
  lookup?: HostLookup
  publish?: ApiPorts['publish']
} & Pick<Options, 'tokens' | 'anonymous'> = {}) {
  const stack = new AsyncDisposableStack()
  stack.use(store)
  const opened = (await Promise.race([opening, Promise.resolve(undefined)])) !== undefined
  let time = 0
  const registrations = stack.use(
    startRegistrations({
      opening,
      settings: () => ({
        retentionMs: 3_600_000,
        selfPreservation: { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 },
        maxAgents,
        maxBytes: Infinity,
        maxAgentBytes: Infinity,
      }),
      log: silent,
      clock: { monotonic: () => time, booted: () => time },
    }),
  )
  const registry = createRegistry({ onError: (error) => assertNever(error) })
  registry.beforeRead(registrations.applyExpirations)
  const supervisor = stack.use(createSupervisor({ registry, log: silent }))
  const audited: Record<string, unknown>[] = []
  const auditLog = {
    info: (fields: object, message?: string) => void audited.push({ ...fields, message }),
  } as typeof silent
  const mesh = createMeshOperations({
    registrations,
    registry,
    thresholds: () => ({ timeout: 60, eviction: 120 }),
    source: () => (takesAgents ? 'agents' : undefined),
    log: auditLog,
  })
  await supervisor.apply([
    plan('file', 'config_file', listing(servers)),
    plan('agents', 'registered', registrations.sources.agents),
  ])
  if (opened) await supervisor.settled()
  const moving = { volatile: mesh.volatileFields, version: mesh.volatileVersion }
  const monitor = {
    ...moving,
    probe: () => Promise.resolve(undefined),
    figuresOf: () => undefined,
    discovery: () => undefined,
    selfPreservation: () => undefined,
    endSelfPreservation: () => {},
  }
  const http = stack.adopt(openHttpClient(lookup ? { lookup } : {}), ({ close }) => close())
  const config = CallsConfig.parse({ ...CallsConfig.parse(undefined), ...calls })
  const forwarding = createCalls({ config: () => config, http, mesh, log: auditLog })
  const parts = { registry, supervisor, mesh, monitor, publish, calls: forwarding }
  const served = stack.use(await serve({ ...options, parts }))

  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await served.get(path, { method, headers, ...(body === undefined ? {} : { body: text }) })
    const responseText = await answer.text()
    const parsed = responseText === '' ? {} : (JSON.parse(responseText) as Answer)
    return { status: answer.status, headers: answer.headers, body: parsed }
  }

  return {
    registry,
    mesh,
    calls: forwarding,
    audited,
    supervisor,
    served,
    get: (path: string, headers?: Record<string, string>) => send('GET', path, undefined, headers),
    post: (path: string, body: unknown, headers?: Record<string, string>) => send('POST', path, body, headers),
    send,
    /** Registers a healthy agent of this id. */
    agent: (id: string, fields: object = {}) => send('POST', '/agents', { id, ...fields }),
    ids: async (query: string) =>
      ((await send('GET', `/agents${query}`)).body['agents'] as Answer[]).map(({ id }) => id as string),
    /** Advances the clocks, as in a process without stalls. */
    pass: (seconds: number) => {
      for (let passed = 0; passed < seconds; passed += 0.5) {
        time += 500
        registrations.applyExpirations()
      }
    },
    /** Stalls the process: time passes without a check of the clock. */
    freeze: (seconds: number) => {
      time += seconds * 1000
      registrations.applyExpirations()
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

// Each test knows the shape of its answers.
// oxlint-disable-next-line typescript/no-explicit-any
export type Answer = Record<string, any>

function plan(name: string, discovery_method: SourcePlan['layer']['discovery_method'], source: Source): SourcePlan {
  return {
    name,
    type: name,
    settings: {},
    layer: { reach: 'private', discovery_method },
    trust: { stdio: () => true, questionsShrinks: false },
    maxSilenceMs: 60_000,
    open: () => source,
  }
}

function listing(servers: readonly ListedServer[]): Source {
  return async function* list() {
    const entries = servers.map(({ status = 'healthy', ...fields }) => ({
      ...entry({ health_check: 'none', ...fields }),
      reported: { status },
    }))
    yield { type: 'picture', readings: [{ origin: 'team.yaml', entries }] }
  }
}

function assertNever(error: unknown): never {
  throw error
}
