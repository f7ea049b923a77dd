import { setMaxListeners } from 'node:events'
import { type ServerId, serverId } from '../../model/identity.ts'
import { defaultNamespace } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { importClientSdk } from '../peer-packages.ts'
import { connectRoster, type Roster } from '../roster/roster.ts'
import { createAdmission } from './admission.ts'
import { createCallRouter } from './call-router.ts'
import type { ConnectionView } from './connection/connection-view.ts'
import { type Connection, createConnection } from './connection/connection.ts'
import { createTargets } from './connection/target.ts'
import { FleetError } from './fleet-error.ts'
import { createFleetEvents, type EmittedEvent } from './fleet-events.ts'
import { type FleetOptions, settingsOf } from './fleet-options.ts'
import { followMembers } from './membership.ts'
import type { Provider } from './provider.ts'
import { createRosterKnowledge } from './roster-knowledge.ts'
import { createCallCounter, type CallCounter, summarize } from './stats.ts'
import { createToolIndex } from './tool-index.ts'
import type { FleetTool } from './tools/fleet-tool.ts'
import { createFrameworkTools } from './tools/framework-tools.ts'

export type Fleet = Awaited<ReturnType<typeof connectServers>>

/**
 * Connects to every server that matches, and stays connected as the registry changes.
 *
 * Resolves once the registry was read and, unless `lazy`, each server was tried once.
 *
 * @throws {Error} The package `@modelcontextprotocol/client` is not installed.
 * @throws {RosterError} The query is invalid, the token lacks the right, the other side is not a roster, or does not answer in time.
 * @throws {TypeError} An option cannot be meant.
 */
export async function connectServers(options: FleetOptions) {
  const settings = settingsOf(options)
  const roster = rosterOf(options.roster)
  const closing = new AbortController()
  // Every connection listens to it.
  setMaxListeners(0, closing.signal)
  const events = createFleetEvents()
  const connections = new Map<ServerId, Connection>()
  const counters = new WeakMap<Connection, CallCounter>()
  const total = createCallCounter()
  const index = createToolIndex(connections)
  const admission = createAdmission(settings.concurrency)
  const knowledge = createRosterKnowledge({ roster, query: settings.query, signal: closing.signal })
  const targets = createTargets({ settings, emit, revealed: knowledge.revealed })
  const router = createCallRouter({
    settings,
    providersOf,
    counterOf,
    total,
    loadsOf: knowledge.loadsOf,
    closed: closing.signal,
  })

  function emit(event: EmittedEvent): void {
    index.invalidate()
    events.emit(event)
  }

  function onState(view: ConnectionView): void {
    index.invalidate()
    const { onStatus } = options
    if (!onStatus) return
    // Its errors are its own.
    void Promise.resolve()
      .then(() => onStatus(view.server.id, view.state, view))
      .catch(() => undefined)
  }

  function onServer(id: ServerId, server: Server | undefined): void {
    const known = connections.get(id)
    index.invalidate()
    if (!server) {
      connections.delete(id)
      void known?.stop('it left the registry', { finish: true })
    } else if (known) {
      const wasEnabled = known.server().enabled
      known.update(server)
      if (!wasEnabled && server.enabled && !settings.lazy) known.start()
    } else {
      const connection = createConnection(server, {
        settings,
        resolveTarget: targets.resolve,
        priorOf: knowledge.priorOf,
        admit: admission.admit,
        emit,
        onState,
      })
      connections.set(id, connection)
      counters.set(connection, createCallCounter())
      if (server.enabled && !settings.lazy) connection.start()
    }
  }

  function counterOf(connection: Connection): CallCounter {
    return counters.get(connection) ?? total
  }

  /** The servers of a call. Where none is known to offer it, those that were never asked are asked. */
  function providersOf(
    target: string | FleetTool,
    server: string | undefined,
    signal: AbortSignal,
  ): readonly Provider[] | Promise<readonly Provider[]> {
    if (typeof target !== 'string') {
      const connection = connections.get(target.server)
      return connection ? [{ connection, name: target.tool.name, functions: [] }] : []
    }
    const only = server === undefined ? undefined : find(server)
    if (server !== undefined && !only) return []
    if (only)
      return only.tools.isRead() ? offersOf(only, target) : isReached(only, signal).then(() => offersOf(only, target))
    const providers = enabledProvidersOf(target)
    return providers.length > 0 ? providers : askUnknown(signal).then(() => enabledProvidersOf(target))
  }

  const enabledProvidersOf = (name: string) =>
    index.providersOf(name).filter(({ connection }) => connection.server().enabled)

  function offersOf(only: Connection, name: string): readonly Provider[] {
    const own = index.providersOf(name).filter(({ connection }) => connection === only)
    // Where it has no such tool, the attempt says so.
    return own.length > 0 ? own : [{ connection: only, name, functions: [] }]
  }

  /** Connects where needed; resolves with whether it is connected. Rejects when the signal aborts. */
  async function isReached(connection: Connection, signal: AbortSignal): Promise<boolean> {
    assertOpen()
    try {
      await connection.ensure(signal)
      return true
    } catch {
      assertOpen()
      signal.throwIfAborted()
      return false
    }
  }

  async function askUnknown(signal: AbortSignal): Promise<void> {
    const unknown = [...connections.values()].filter(
      (one) =>
        one.server().enabled &&
        !one.isParked() &&
        !one.tools.isRead() &&
        ['disconnected', 'connecting'].includes(one.state()),
    )
    await Promise.all(unknown.map((one) => isReached(one, signal)))
  }

  function find(name: string): Connection | undefined {
    return connections.get(name) ?? connections.get(serverId(defaultNamespace, name))
  }

  function assertOpen(): void {
    if (closing.signal.aborted) throw new FleetError('closed', 'the fleet is closed')
  }

  function required(name: string): Connection {
    assertOpen()
    const connection = find(name)
    if (!connection) throw new FleetError('no_server', `no server ${name} matches the query of this fleet`)
    return connection
  }

  const all = () => [...connections.values()]
  const idsWhere = (holds: (connection: Connection) => boolean) =>
    all()
      .filter(holds)
      .map(({ id }) => id)

  /** Connects these servers; resolves with the ids of those that are connected. */
  async function connectThese(chosen: readonly Connection[]): Promise<ServerId[]> {
    const connected = await Promise.all(
      chosen.map(async (one) => ((await isReached(one, closing.signal)) ? [one.id] : [])),
    )
    return connected.flat()
  }

  let closed: Promise<void> | undefined
  function close(): Promise<void> {
    closed ??= shutDown()
    return closed
  }

  const closeOnAbort = () => void close()

  async function shutDown(): Promise<void> {
    closing.abort(options.signal?.aborted ? options.signal.reason : undefined)
    options.signal?.removeEventListener('abort', closeOnAbort)
    await Promise.all(all().map((one) => one.stop('the fleet is closed', { cut: true, finish: true })))
    events.close()
    await membership?.ended
  }

  let membership: { readonly ended: Promise<void> } | undefined
  options.signal?.addEventListener('abort', closeOnAbort, { once: true })
  options.signal?.throwIfAborted()
  if (!settings.lazy) await importClientSdk()
  membership = await followMembers({
    roster,
    query: settings.query,
    signal: closing.signal,
    timeoutMs: settings.rosterTimeoutMs,
    onServer,
    emit,
  }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  if (!settings.lazy) await connectThese(all().filter((one) => one.server().enabled))

  return {
    /** Calls a tool: by its own name or a capability wherever it is healthy, or by its name in the fleet. */
    call: router.call,
    /** Every tool of the connected servers, in the order in which they appeared. */
    toolList: index.list,
    /** The tools for `ai-sdk`, `langchain`, `openai` (Responses, agents) or `openai-chat`, called through the fleet. */
    tools: createFrameworkTools({ list: index.list, call: router.call }),
    /** The servers that match, by id. */
    get connections(): ReadonlyMap<ServerId, ConnectionView> {
      return new Map(all().map((one) => [one.id, one.view()]))
    },
    get: (name: string) => find(name)?.view(),
    /** Ids of the connected servers. */
    get active() {
      return idsWhere((one) => one.isConnected())
    },
    /** Ids of the servers whose last attempt failed. */
    get failed() {
      return idsWhere((one) => one.isFailed())
    },
    /** Connects one server, also after `disconnect`. Resolves with whether it is connected. */
    connect: async (name: string) => isReached(required(name), closing.signal),
    /** Closes the session of one server, until `connect`, or a call that names it. */
    disconnect: async (name: string) => required(name).stop('asked to disconnect', { park: true }),
    /** Connects every enabled server, or those with all of these tags. Resolves with the ids of those that are connected. */
    async connectAll(chosen: readonly string[] | { readonly tags?: readonly string[] } = []) {
      assertOpen()
      const tags = 'tags' in chosen ? (chosen.tags ?? []) : Array.isArray(chosen) ? (chosen as readonly string[]) : []
      return connectThese(
        all().filter((one) => one.server().enabled && tags.every((tag) => one.server().tags.includes(tag))),
      )
    },
    /** Connects again: all, or those that failed. Resolves with the ids of those that are connected. */
    async reconnect({ failedOnly = false } = {}) {
      assertOpen()
      const chosen = all().filter((one) => (failedOnly ? one.isFailed() : one.state() !== 'disconnected'))
      if (!failedOnly) await Promise.all(chosen.map((one) => one.stop('asked to reconnect')))
      return connectThese(chosen)
    },
    events: events.events,
    stats: () => summarize(all(), counterOf, total),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Maximum pause between two attempts to reach the roster, in ms: the fleet follows within two seconds of its return. */
const rosterBackoffMs = 1500

/** @throws {TypeError} It names no roster. */
function rosterOf(given: FleetOptions['roster']): Roster {
  if (typeof given === 'object' && given !== null && 'follow' in given) return given
  const connecting = typeof given === 'string' || given instanceof URL ? { url: given } : given
  if (!URL.canParse(String(connecting?.url)))
    throw new TypeError('`roster` must be a URL such as http://localhost:8000, options with a `url`, or a roster')
  return connectRoster({ maxBackoffMs: rosterBackoffMs, ...connecting })
}
