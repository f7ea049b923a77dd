import { createMeshOperations, type MeshOperations } from './agents/mesh-operations.ts'
import { type ApiRules, openApi } from './api/api.ts'
import { createCalls } from './api/calls/calls.ts'
import { createServerCalls } from './api/calls/server-calls.ts'
import { weakTokenWarnings } from './api/config/auth.ts'
import { isLoopback } from './api/http/access/host.ts'
import { watchedMeshPaths } from './api/mesh/watch.ts'
import { openMetricsPort } from './api/operations/metrics-port.ts'
import { createWatch } from './api/watch/watch.ts'
import type { RunningDaemon, StartDaemon } from './cli/command.ts'
import { version } from './cli/help.ts'
import { isSharedStore } from './cluster/config.ts'
import { startDuties } from './cluster/duties.ts'
import { recordMemberEvents } from './cluster/member-events.ts'
import { startMembers } from './cluster/members.ts'
import { createOwnership } from './cluster/ownership.ts'
import { followTakeovers } from './cluster/takeovers.ts'
import { createVerdictExchange } from './cluster/verdict-exchange.ts'
import { createReload } from './config/config-reload.ts'
import { watchConfig } from './config/config-watcher.ts'
import type { LoadedConfig } from './config/load.ts'
import { settingsNeedingRestart } from './config/schema.ts'
import {
  agentsSource,
  journalSettings,
  manualSource,
  sourcePlans,
  registrationSettings,
  leaseThresholds,
} from './config/source-plans.ts'
import { createMonitor, type Monitor } from './health/monitor.ts'
import { createStatisticsArchive } from './health/statistics/statistics-archive.ts'
import { createUnlistedProbes } from './health/unlisted-probes.ts'
import { createEventRecorder } from './journal/event-recorder.ts'
import { createJournal } from './journal/journal.ts'
import type { RootLog } from './log.ts'
import { createMcpEndpoint } from './mcp/endpoint.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { ServerId } from './model/names.ts'
import { openHttpClient } from './outbound/http-client.ts'
import { startRegistrations } from './registrations/registrations.ts'
import { createChangeLog } from './registry/change-log.ts'
import { createRegistry } from './registry/registry.ts'
import { digestKeyOf, publicDigestKey } from './registry/state-digest.ts'
import { createReadingSnapshots } from './registry/supervision/reading-snapshots.ts'
import { createSupervisor } from './registry/supervision/supervisor.ts'
import { keepTickShape } from './runtime/tick-shape.ts'
import { createInstanceId, emptyEpoch } from './stores/epoch.ts'
import { openStore } from './stores/open.ts'

/** Time that the sources wait for the overrides in the store, in ms; without, a store that is down would keep them from starting. */
const maxOverridesWaitMs = 1000

/**
 * Builds and starts every part in order; resolves once the daemon answers. Disposal stops the parts in reverse: the API first, the
 * store last. A failed start disposes of the parts already built.
 */
export const startDaemon: StartDaemon = async ({ loaded, reload: load, log }) => {
  await using stack = new AsyncDisposableStack()
  keepTickShape()
  let { config } = loaded
  let current = loaded
  let thresholds = leaseThresholds(loaded)
  const onError = (error: unknown) => log.error({ err: error }, 'daemon part failed')

  const opening = openStoreOf(loaded, log)
  stack.defer(async () => {
    const store = await opening.catch(() => undefined) // the start has already failed with this error
    await store?.[Symbol.asyncDispose]()
  })
  const members = stack.use(
    startMembers({
      opening,
      isShared: isSharedStore(config.store.type),
      settings: config.cluster,
      build: version,
      address: () => config.cluster.address ?? podAddress(loaded),
      log: log.child({ part: 'cluster' }),
      onError,
    }),
  )
  const takeovers = stack.use(followTakeovers(members))
  stack.use(startDuties({ opening, duty: members.duty, log: log.child({ part: 'cluster' }) }))
  const journal = stack.use(
    createJournal({
      opening,
      settings: () => journalSettings(config),
      duty: members.duty,
      log: log.child({ part: 'events' }),
    }),
  )
  recordMemberEvents(members, journal.record)
  const recorder = stack.use(createEventRecorder({ journal, source: () => agentsSource(config), onError }))
  const registrations = stack.use(
    startRegistrations({
      opening,
      settings: () => registrationSettings(config),
      duty: members.duty,
      log: log.child({ part: 'agents' }),
      onForgotten: recorder.forgotten,
    }),
  )
  const httpClient = stack.adopt(openHttpClient(), ({ close }) => close())
  const registry = createRegistry({
    onError,
    overrideOf: registrations.overrides.get,
    isProbing: () => config.health.enabled,
  })
  registrations.overrides.onChange(registry.applyOverrides)
  let sharedSecret: string | undefined
  registrations.onEpoch((epoch, store) => {
    const { key } = config.cluster
    const isOfNoStore = store === 'memory' || epoch === emptyEpoch
    const digestKey = key === undefined && isOfNoStore ? publicDigestKey : digestKeyOf(key ?? epoch)
    sharedSecret = digestKey.text
    registry.setDigestKey(digestKey)
    exchange.changed()
  })
  registry.beforeRead(registrations.applyExpirations)
  const ofSources = { log: log.child({ part: 'sources' }) }
  const readiness = () => config.ready
  const snapshots = createReadingSnapshots({ ...ofSources, opening })
  const supervisor = stack.use(
    createSupervisor({ ...ofSources, registry, snapshots, readiness, onSourceChange: recorder.source }),
  )
  recorder.followServers(registry, supervisor.syncing)
  const ofHealth = { log: log.child({ part: 'health' }) }
  const exchange = stack.use(
    createVerdictExchange({
      ...ofHealth,
      opening,
      members,
      isEnabled: () => config.health.share,
      secret: () => sharedSecret,
      onError,
    }),
  )
  const monitor = stack.use(createMonitor({ ...ofHealth, registry, http: httpClient, config: config.health, exchange }))
  const ownership = createOwnership({ members, probers: monitor.probers })
  registry.orderByResponseTime((id) => monitor.figuresOf(id)?.responseMs)
  stack.use(createStatisticsArchive({ ...ofHealth, opening, statistics: monitor.statistics }))
  const mesh = createMeshOperations({
    registrations,
    registry,
    thresholds: () => thresholds,
    source: () => agentsSource(config),
    log: log.child({ part: 'agents' }),
    onAgent: recorder.agent,
    onRewired: recorder.rewired,
  })
  const identity = createInstanceId({ epoch: registrations.epoch })
  const tools = {
    log,
    env: process.env,
    httpClient,
    isOwnInstance: identity.isOwn,
    registrations: registrations.sources,
  }
  const reloads = createReload({ load, log, apply, onReload: recorder.reload })

  async function apply(next: LoadedConfig): Promise<string[]> {
    config = next.config
    current = next
    thresholds = leaseThresholds(next)
    log.setLevel(config.log.level)
    monitor.reconfigure(config.health)
    api.apply(rulesOf(next))
    await supervisor.apply(sourcePlans(config, tools))
    return settingsNeedingRestart(loaded.config, config).map(
      (name) => `${name} changed; the new value applies at the next start`,
    )
  }

  const changeLog = createChangeLog({ registry, maxBytes: config.watch.max_history_bytes })
  const watch = createWatch({
    registry,
    changeLog,
    limits: () => config.watch,
    trustedProxies: () => config.listen.trusted_proxies,
    isReady: supervisor.isStarted,
    onError,
  })
  const watched = watchedMeshPaths({
    mesh,
    registry,
    peek: registrations.agents.peek,
    source: () => agentsSource(config),
  })
  const metrics = createMetrics({
    version,
    registry,
    servers: { registry, figuresOf: monitor.figuresOf, max: () => config.metrics.max_servers },
    sources: supervisor.sources,
    probeSelfPreservation: monitor.selfPreservation,
    mesh,
    store: registrations.storeState,
    cluster: { ...members, ownership, verdicts: exchange.counts },
    events: journal.counts,
    probes: monitor.stats,
    statistics: monitor.statistics.counts,
    watchers: watch.counts,
    http: { counts: () => api.counts(), connections: () => api.connections() },
    reload: reloads.last,
  })
  const moving = movingOf(monitor, mesh)
  const mcp = createMcpEndpoint({
    registry,
    mesh,
    volatile: moving.volatile,
    syncing: supervisor.syncing,
    name: config.listen.name,
    version,
    log: log.child({ part: 'mcp' }),
  })
  const calls = createCalls({ config: () => config.calls, http: httpClient, mesh, log: log.child({ part: 'calls' }) })
  const serverCalls = createServerCalls({
    config: () => config.calls,
    isLoopback: isLoopback(config.listen.host),
    addresses: () => config.health,
    calls,
    http: httpClient,
    registry,
    log: log.child({ part: 'calls' }),
  })
  // A named store is required: no request is answered before it is open.
  if (isNamed(loaded)) await opening
  const api = stack.use(
    await openApi({
      rules: rulesOf(loaded),
      ports: {
        registry,
        supervisor,
        monitor: { ...monitor, ...moving },
        probeUnlisted: createUnlistedProbes({ http: httpClient, config: () => config.health }),
        statistics: monitor.statistics,
        mesh,
        calls,
        serverCalls,
        watch: {
          admit: watch.admit,
          relay: watch.relay,
          servers: watch.servers,
          agents: watch.routeOf(watched.agents),
          capabilities: watch.routeOf(watched.capabilities),
        },
        journal,
        mcp,
        manual: {
          ...registrations.manual,
          assertLoaded: registrations.assertLoaded,
          source: () => manualSource(config),
        },
        overrides: registrations.overrides,
        publish: () => config.publish,
        ui: () => config.ui,
        instance: identity.id,
        store: registrations.storeState,
        cluster: {
          ...members,
          settings: config.cluster,
          storeType: config.store.type,
          ownership,
          lastTakeover: takeovers.last,
        },
        reload: reloads.now,
        checkConfig: async () => {
          const { checkConfig } = await import('./config/checked-config.ts')
          return checkConfig({ load, current, atStart: loaded })
        },
        config: async () => {
          const { showConfig } = await import('./config/redacted-config.ts')
          return showConfig({ current, atStart: loaded, lastReload: reloads.last() })
        },
        metrics: config.metrics.enabled ? { ...metrics, default: () => config.metrics.default_format } : undefined,
        service: () => config.listen.service,
        warnings: () => [...weakTokenWarnings(config.auth), ...registrations.warnings()],
        name: config.listen.name,
        version,
        log: log.child({ part: 'api' }),
      },
      accessLog: config.log.access,
      isContained: loaded.isContained,
      log: log.child({ part: 'api' }),
    }),
  )
  const { enabled, port } = config.metrics
  if (enabled && port !== undefined) {
    const [hosts, { listen, limits }] = [() => config.listen.hosts, config]
    const options = { listen, hosts, port, text: metrics.text, limits, log, isContained: loaded.isContained }
    const scraped = stack.use(await openMetricsPort(options))
    log.info({ url: `${scraped.url}/metrics` }, 'metrics port opened')
  }
  // Closes the watches before the server waits for its connections.
  stack.defer(watch.close)
  stack.defer(() => mcp.close())
  stack.defer(calls.close)
  if (api.warning) log.warn({ url: api.url }, api.warning)
  // Otherwise a server that an override disables would be shown as enabled, and probed, until the store is read.
  await registrations.whenLoaded(maxOverridesWaitMs)
  await supervisor.apply(sourcePlans(config, tools))
  const watching = stack.adopt(new AbortController(), (controller) => controller.abort())
  const { file, text: initialText } = loaded
  if (file !== undefined) {
    watchConfig({ file, initialText, signal: watching.signal, onChange: async () => void (await reloads.now()) })
  }
  log.info({ url: api.url, address: api.address, version, sources: supervisor.names() }, 'listening')
  await opening
  // First at the end: the others take over while this daemon drains.
  stack.defer(members.leave)

  const running = stack.move()
  return {
    url: api.url,
    address: api.address,
    reload: reloads.now,
    ready: supervisor.settled,
    sources: supervisor.sources,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  } satisfies RunningDaemon
}

/** Opens the store of the config. An unnamed default store that is not writable is replaced by memory. */
async function openStoreOf(loaded: LoadedConfig, log: RootLog) {
  return await openStore(loaded.config.store, {
    log: log.child({ part: 'store' }),
    orMemory: !isNamed(loaded),
    isDaemon: true,
  })
}

function isNamed({ originOf }: LoadedConfig): boolean {
  return ['type', 'path'].some((key) => originOf(['store', key]).from !== 'default')
}

/** The values of a server that change with every probe or heartbeat, and their version. */
function movingOf(
  monitor: Pick<Monitor, 'volatile' | 'version'>,
  mesh: Pick<MeshOperations, 'volatileFields' | 'volatileVersion'>,
) {
  return {
    volatile: (id: ServerId) => {
      const [probeFields, heartbeatFields] = [monitor.volatile(id), mesh.volatileFields(id)]
      return probeFields && heartbeatFields ? { ...probeFields, ...heartbeatFields } : (probeFields ?? heartbeatFields)
    },
    version: (id: ServerId) => {
      const heartbeatVersion = mesh.volatileVersion(id)
      return heartbeatVersion === 0 ? monitor.version(id) : `${monitor.version(id)}-${heartbeatVersion}`
    },
  }
}

/** Where other members reach this daemon in a cluster that gives pods their address. */
function podAddress({ config: { listen } }: LoadedConfig): string | undefined {
  const host = process.env['POD_IP']
  if (!host || listen.port === 0) return undefined
  return `${listen.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`
}

function rulesOf({ config: { listen, auth, cors, limits } }: LoadedConfig): ApiRules {
  return { listen, auth, cors, limits }
}
