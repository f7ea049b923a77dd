import type { CallToolResult, PriorDiscovery, Tool } from '@modelcontextprotocol/client'
import { createChangeSignal, createWakeSignal } from '../../../flow/wake-signal.ts'
import { jsonEqual } from '../../../model/data/json-equal.ts'
import type { Server } from '../../../model/server.ts'
import { createCircuitBreaker } from '../../resilience/circuit-breaker.ts'
import type { EmittedEvent, ServerEventType } from '../fleet-events.ts'
import type { FleetSettings } from '../fleet-options.ts'
import { barrierTo, type ConnectionState, type ConnectionView, viewOf } from './connection-view.ts'
import { ExchangeError, type Failure } from './failure.ts'
import type { LiveSession } from './live-session.ts'
import type { CallLimits } from './open-session.ts'
import { createRetries } from './retries.ts'
import { createSessionOpener } from './session-opener.ts'
import type { Target } from './target.ts'
import { createToolCache } from './tool-cache.ts'

type Parts = {
  readonly settings: FleetSettings
  readonly resolveTarget: (server: Server) => Promise<Target>
  /** What the roster knows of a server's protocol. */
  readonly priorOf: (server: Server) => Promise<PriorDiscovery | undefined>
  /** Waits for a place among those that connect; returns what gives it back. */
  readonly admit: (signal: AbortSignal) => Promise<() => void>
  readonly emit: (event: EmittedEvent) => void
  readonly onState: (view: ConnectionView) => void
}

export type Connection = ReturnType<typeof createConnection>

/** The connection to one server: opened on demand, watched, and opened again when it is lost. */
export function createConnection(first: Server, { settings, resolveTarget, priorOf, admit, emit, onState }: Parts) {
  let server = first
  let state: ConnectionState = 'disconnected'
  let reason = barrierTo(server, settings) ?? 'not asked to connect'
  let failedAttempts = 0
  let connectedAt: string | undefined
  let lastActivity: number | undefined
  let live: LiveSession | undefined
  let run: { readonly stop: () => void; readonly wake: () => void; readonly done: Promise<void> } | undefined
  const changed = createChangeSignal()
  const tell = (type: ServerEventType, why: string) => emit({ type, server: server.id, reason: why })
  const tools = createToolCache({ onChange: (why) => tell('tools_changed', why) })
  const opener = createSessionOpener({
    settings,
    resolveTarget,
    priorOf,
    tools,
    onActivity: () => void (lastActivity = Date.now()),
  })
  const retries = createRetries(() => server, settings)
  const circuit = createCircuitBreaker({
    ...settings.breaker,
    onChange: (next) => tell(`circuit_${next}`, circuitReasons[next]),
  })

  function move(next: ConnectionState, why: string): void {
    const isSame = state === next && reason === why
    state = next
    reason = why
    changed.notify()
    if (!isSame) onState(view())
  }

  /** Begins to connect, unless this server is not to be connected from here. */
  function start(): void {
    const barrier = barrierTo(server, settings)
    if (barrier !== undefined) return move('disconnected', barrier)
    if (run) return
    const controller = new AbortController()
    const wake = createWakeSignal({ signal: controller.signal })
    // Begins after `run` is set: a status callback may ask to connect.
    const done = Promise.resolve().then(() => keepConnected(controller.signal, wake))
    const started = { stop: () => controller.abort(), wake: wake.raise, done }
    run = started
    void started.done.finally(() => {
      if (run === started) run = undefined
      changed.notify()
    })
  }

  /** Connects, and connects again after each loss, until it is stopped or may not retry. */
  async function keepConnected(signal: AbortSignal, wake: ReturnType<typeof createWakeSignal>): Promise<void> {
    while (!signal.aborted) {
      if (state === 'disconnected') move('connecting', 'first attempt')
      wake.take()
      const failure = await attempt(signal)
      if (signal.aborted) return
      if (!failure) {
        const why = await lossOf(live!, signal)
        if (signal.aborted) return
        tell('lost', why)
        if (!retries.isAllowed()) return giveUp(why)
        move('reconnecting', why)
        tell('reconnecting', why)
        continue
      }
      if (!retries.isAllowed()) return giveUp(failure.reason)
      await wake.wait(scheduleRetry(failure))
    }
  }

  function giveUp(why: string): void {
    tell('error', why)
    move('error', why)
  }

  /** Notes a failed attempt; returns the pause before the next, in ms. */
  function scheduleRetry(failure: Failure): number {
    const ms = retries.next(failure.retryAfterMs)
    const isNew = state !== 'error' || reason !== failure.reason
    if (!retries.isExhausted()) {
      tell('reconnecting', `${failure.reason}; attempt ${retries.count()} in ${(ms / 1000).toFixed(1)} s`)
      move('reconnecting', failure.reason)
    } else if (isNew) giveUp(failure.reason)
    return ms
  }

  /** Opens a session; returns the failure, if any. */
  async function attempt(signal: AbortSignal): Promise<Failure | undefined> {
    const leave = await admit(signal)
    try {
      if (signal.aborted) return undefined
      const opened = await opener.open(server, signal)
      if (signal.aborted) return void opened.close('stopped')
      live = opened
      connectedAt = new Date().toISOString()
      retries.reset()
      circuit.succeed()
      tell('connected', live.era)
      move('connected', live.era)
      return undefined
    } catch (error) {
      failedAttempts += 1
      return error instanceof ExchangeError
        ? error.failure
        : { outcome: 'not_sent', reason: error instanceof Error ? error.message : String(error), isFault: true }
    } finally {
      leave()
    }
  }

  /** Waits until the session is over; returns why. */
  async function lossOf(lost: LiveSession, signal: AbortSignal): Promise<string> {
    await new Promise<void>((resolve) => {
      for (const end of [signal, lost.over]) {
        if (end.aborted) resolve()
        end.addEventListener('abort', () => resolve(), { once: true })
      }
    })
    const why = String(lost.over.reason ?? reason)
    if (live === lost) live = undefined
    connectedAt = undefined
    void lost.retire(why)
    return why
  }

  /** Stops connecting. The calls in flight are answered, unless `cut`. */
  async function stop(why: string, { cut = false } = {}): Promise<void> {
    const stopped = live
    const { done } = run ?? {}
    run?.stop()
    run = undefined
    live = undefined
    if (cut) await stopped?.close(why)
    else void stopped?.retire(why)
    await done
    if (run || state === 'disconnected') return
    tools.clear()
    retries.reset()
    tell('disconnected', why)
    move('disconnected', why)
  }

  /** Resolves once connected; throws an `ExchangeError` where the next attempt fails. */
  async function ensure(signal: AbortSignal): Promise<LiveSession> {
    start()
    run?.wake()
    const failedBefore = failedAttempts
    for (;;) {
      const opened = current()
      if (opened) return opened
      if (failedAttempts > failedBefore || !run) throw unsent(reason)
      await changed.wait(signal)
      signal.throwIfAborted()
    }
  }

  /** The session, unless it is over. */
  const current = () => (live?.over.aborted ? undefined : live)

  /** Calls a tool of the open session. */
  async function call(tool: Tool, args: Record<string, unknown>, limits: CallLimits): Promise<CallToolResult> {
    const session = current()
    if (!session) throw unsent(reason)
    return session.call(tool, args, limits)
  }

  /** Takes a changed definition; connects again only where the address or what is sent with it changed. */
  function update(next: Server): void {
    const before = server
    server = next
    if (!next.enabled) return void stop('disabled')
    if (state === 'disconnected') reason = barrierTo(next, settings) ?? reason
    if (!before.enabled && reason === 'disabled') reason = 'not asked to connect'
    if (!jsonEqual(addressOf(before), addressOf(next))) {
      opener.forget()
      void live?.retire('its definition changed')
      run?.wake()
    } else if (!jsonEqual(before.capabilities, next.capabilities)) live?.refreshTools()
    if (before.status !== next.status && next.status === 'healthy') run?.wake()
  }

  function view(): ConnectionView {
    const listed = { tools: tools.all().size, omitted: tools.omitted(), era: live?.era }
    const facts = { state, reason, connectedAt, lastActivity, ...listed }
    return viewOf(server, { ...facts, retries: retries.count(), circuit: circuit.state() })
  }

  return {
    id: server.id,
    server: () => server,
    state: () => state,
    isConnected: () => current() !== undefined,
    /** Whether the last attempt to connect failed. */
    isFailed: () => state === 'error' || state === 'reconnecting',
    inFlight: () => live?.inFlight() ?? 0,
    circuit,
    tools,
    view,
    start,
    ensure,
    stop,
    call,
    update,
  }
}

const circuitReasons = {
  open: 'its calls keep failing',
  half_open: 'one call decides',
  closed: 'its calls succeed',
} as const

const unsent = (reason: string) => new ExchangeError({ outcome: 'not_sent', reason, isFault: false })

/** What a session depends on. Values of secrets are redacted in it: a new secret alone opens no new session. */
const addressOf = ({ type, url, headers, command, args, env, cwd }: Server) => ({
  type,
  url,
  headers,
  command,
  args,
  env,
  cwd,
})
