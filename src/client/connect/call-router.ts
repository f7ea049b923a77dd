import type { CallToolResult, Tool } from '@modelcontextprotocol/client'
import { chooseProviders } from '../../model/balancing/choose.ts'
import { type BalancedProvider, locationOf } from '../../model/balancing/provider.ts'
import { assertCall, type CallOptions, type ToolArguments } from './call-options.ts'
import type { Connection } from './connection/connection.ts'
import { ExchangeError, type Failure } from './connection/failure.ts'
import { FleetError } from './fleet-error.ts'
import { type FleetSettings, timerMs } from './fleet-options.ts'
import { mayAccept, type Provider, toolFor } from './provider.ts'
import type { CallCounter } from './stats.ts'
import type { FleetTool } from './tools/fleet-tool.ts'

type Parts = {
  readonly settings: FleetSettings
  readonly providersOf: (
    target: string | FleetTool,
    server: string | undefined,
    signal: AbortSignal,
  ) => MaybePromise<readonly Provider[]>
  readonly counterOf: (connection: Connection) => CallCounter
  /** The loads that the servers of a tool report. */
  readonly loadsOf: (name: string) => Promise<ReadonlyMap<string, number>>
  readonly total: CallCounter
  readonly closed: AbortSignal
}

/** What is there at once is not waited for: each wait is a turn of the queue in every call. */
type MaybePromise<T> = T | Promise<T>

/** One call: what was tried, and what became of it. */
type Course = {
  readonly target: string | FleetTool
  readonly args: ToolArguments
  readonly options: CallOptions
  readonly tried: Set<Connection>
  readonly renewed: Set<Connection>
  attempts: number
  last?: { readonly connection: Connection; readonly failure: Failure; readonly isRepeatable: boolean }
}

/** Routes calls to servers, and to others where that cannot carry a call out twice. */
export function createCallRouter({ settings, providersOf, counterOf, total, loadsOf, closed }: Parts) {
  /** Time until which a server has asked not to be called. */
  const pausedUntil = new WeakMap<Connection, number>()
  const turns = new Map<string, number>()

  async function call(
    target: string | FleetTool,
    args: ToolArguments = {},
    options: CallOptions = {},
  ): Promise<CallToolResult> {
    assertCall(target, args, options)
    const course: Course = { target, args, options, tried: new Set(), renewed: new Set(), attempts: 0 }
    for (;;) {
      if (closed.aborted) throw new FleetError('closed', 'the fleet is closed')
      options.signal?.throwIfAborted()
      const known = providersOf(target, options.server, options.signal ?? closed)
      const found = next(known instanceof Promise ? await known : known, course)
      const provider = found instanceof Promise ? await found : found
      if (!provider) break
      if (course.attempts > 0) countRetry(provider.connection)
      course.attempts += 1
      const result = await attempt(provider, course)
      if (result) return result
      if (course.last && !mayGoOn(course)) break
    }
    const error = errorOf(course)
    if (options.fallback && (error.code === 'no_server' || error.code === 'failed')) return options.fallback(error)
    throw error
  }

  function countRetry(connection: Connection): void {
    counterOf(connection).retried()
    total.retried()
  }

  /** The next server to try; undefined: none is left. */
  function next(providers: readonly Provider[], course: Course): MaybePromise<Provider | undefined> {
    const { options, tried, args } = course
    const open = providers.filter(({ connection }) => !tried.has(connection) && connection.circuit.allows())
    const ready = open.filter(({ connection }) => (pausedUntil.get(connection) ?? 0) <= performance.now())
    const fitting = (ready.length > 0 ? ready : open).filter((provider) => mayAccept(provider, args))
    const usable = fitting.length > 0 ? fitting : ready.length > 0 ? ready : open
    return usable.length > 1 ? choose(usable, options, nameOf(course.target)) : (usable[0] ?? again(providers, course))
  }

  /** The server that was called last, where a second attempt is allowed. */
  function again(providers: readonly Provider[], course: Course): Provider | undefined {
    // A repeatable call whose outcome is unknown gets a second attempt where no other server is left.
    const { last } = course
    if (!last?.isRepeatable || last.failure.outcome !== 'unknown' || course.renewed.has(last.connection))
      return undefined
    course.renewed.add(last.connection)
    return providers.find(({ connection }) => connection === last.connection && connection.circuit.allows())
  }

  async function choose(
    usable: readonly Provider[],
    { strategy, key }: CallOptions,
    name: string,
  ): Promise<Provider | undefined> {
    const turn = turns.get(name) ?? 0
    if (turns.size > maxTurns) turns.clear()
    turns.set(name, turn + 1)
    const used = strategy ?? (key === undefined ? settings.strategy : 'sticky')
    const loads = used === 'least_load' ? await loadsOf(name) : undefined
    const balanced = usable.map((provider) => {
      const { connection } = provider
      return { ...balancedOf(connection, counterOf(connection)), load: loads?.get(connection.id), provider }
    })
    const { zone, region } = settings
    const choices = chooseProviders(balanced, { strategy: used, key, turn, limit: 1, zone, region })
    return choices[0]?.provider.provider ?? usable[turn % usable.length]
  }

  /** Calls one server; undefined: it failed, as `course.last` says. */
  async function attempt(provider: Provider, course: Course): Promise<CallToolResult | undefined> {
    const { connection, name } = provider
    const { options, args } = course
    const { signal, onProgress } = options
    const timeoutMs = timerMs(options.timeoutMs ?? settings.callTimeoutMs)
    const began = performance.now()
    course.tried.add(connection)
    if (!connection.circuit.admit()) return undefined
    let isRepeatable = options.repeatable ?? false
    try {
      if (!connection.isConnected()) await reach(connection, signal ?? closed, timeoutMs)
      const tool = toolFor(provider, args)
      if (!tool) throw new ExchangeError({ outcome: 'not_sent', reason: `has no tool ${name}`, isFault: false })
      isRepeatable ||= saysRepeatable(tool)
      const result = await connection.call(tool, args, { signal, timeoutMs, onProgress, mayLeave: isRepeatable })
      connection.circuit.succeed()
      for (const counter of [counterOf(connection), total]) counter.succeeded(performance.now() - began)
      return result
    } catch (error) {
      for (const counter of [counterOf(connection), total]) counter.failed()
      if (!(error instanceof ExchangeError) || closed.aborted) {
        connection.circuit.cancel()
        throw closed.aborted ? new FleetError('closed', 'the fleet was closed', { server: connection.id }) : error
      }
      note(connection, error.failure, isRepeatable, course)
      return undefined
    }
  }

  /** Connects within the time of the attempt. */
  async function reach(connection: Connection, signal: AbortSignal, timeoutMs: number): Promise<void> {
    const limit = AbortSignal.timeout(Math.ceil(timeoutMs))
    try {
      await connection.ensure(AbortSignal.any([signal, limit]))
    } catch (error) {
      signal.throwIfAborted()
      if (!limit.aborted) throw error
      throw new ExchangeError({ outcome: 'not_sent', reason: 'not connected in time', isFault: false })
    }
  }

  function note(connection: Connection, failure: Failure, isRepeatable: boolean, course: Course): void {
    course.last = { connection, failure, isRepeatable }
    if (failure.outcome === 'answered') connection.circuit.succeed()
    else if (failure.isFault) connection.circuit.fail()
    else connection.circuit.cancel()
    if (failure.retryAfterMs !== undefined) pausedUntil.set(connection, performance.now() + failure.retryAfterMs)
    // The server has forgotten the session, not the call: a new session may carry it out.
    if (!failure.isSessionLost || course.renewed.has(connection)) return
    course.renewed.add(connection)
    course.tried.delete(connection)
  }

  return { call }
}

const maxTurns = 10_000

/** Whether another attempt can do no harm: nothing was carried out, or may be again. */
function mayGoOn({ last }: Course): boolean {
  if (!last) return true
  const { outcome } = last.failure
  return outcome === 'not_sent' || outcome === 'refused' || (outcome === 'unknown' && last.isRepeatable)
}

function saysRepeatable({ annotations }: Tool): boolean {
  return annotations?.readOnlyHint === true || annotations?.idempotentHint === true
}

function balancedOf(connection: Connection, counter: CallCounter): BalancedProvider {
  const server = connection.server()
  return {
    id: connection.id,
    status: statusOf(connection),
    latencyMs: counter.averageMs(),
    inFlight: connection.inFlight(),
    ...locationOf(server.labels),
  }
}

/** What the fleet itself sees counts more than the registry's verdict, which is older. */
function statusOf(connection: Connection): BalancedProvider['status'] {
  const { status } = connection.server()
  const isWell = status === 'healthy' || status === 'unknown' || status === 'pending'
  if (connection.isConnected()) return isWell ? 'healthy' : 'degraded'
  if (connection.state() === 'disconnected') return isWell ? 'healthy' : 'degraded'
  return connection.state() === 'connecting' ? 'degraded' : 'offline'
}

const nameOf = (target: string | FleetTool) => (typeof target === 'string' ? target : target.name)

function errorOf({ target, options, attempts, last }: Course): FleetError {
  const name = nameOf(target)
  if (!last) {
    const which = options.server === undefined ? 'no server that offers it' : `no server ${options.server}`
    return new FleetError('no_server', `${name}: ${which} can be called now`)
  }
  const { connection, failure } = last
  const { outcome, reason } = failure
  const code = outcome === 'answered' ? 'answered' : outcome === 'unknown' ? 'unknown' : 'failed'
  const hint = code === 'unknown' ? '; it may have been carried out, so it was not repeated' : ''
  return new FleetError(code, `${name} on ${connection.id}: ${reason}${hint}`, {
    server: connection.id,
    attempts,
    failure,
  })
}
