import type { CallToolResult, PriorDiscovery, Tool } from '@modelcontextprotocol/client'
import { createChangeSignal, createWakeSignal } from '../../../flow/wake-signal.ts'
import { jsonEqual } from '../../../model/data/json-equal.ts'
import type { Server } from '../../../model/server.ts'
import { createCircuitBreaker } from '../../resilience/circuit-breaker.ts'
import { createCancellation } from '../../roster/cancellation.ts'
import type { EmittedEvent, ServerEventType } from '../fleet-events.ts'
import type { FleetSettings } from '../fleet-options.ts'
import {
  addressOf,
  barrierTo,
  circuitReasons,
  type ConnectionState,
  type ConnectionView,
  viewOf,
} from './connection-view.ts'
import { type Failure, failureOf, unsent } from './failure.ts'
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
  readonly admit: (wish: { readonly signal: AbortSignal; readonly isRetry: boolean }) => Promise<() => void>
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
  let failedAt = -Infinity
  let isParked = false
  let isFinished = false
  let connectedAt: number | undefined
  /** Ends the attempt at the old address. */
  let moved: () => void = () => undefined
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
    if (isFinished) return
    const barrier = barrierTo(server, settings)
    if (barrier !== undefined) return move('disconnected', barrier)
    isParked = false
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
      const outcome = await attempt(signal)
      if (signal.aborted) return
      if (outcome === 'moved') continue
      const failure = outcome ?? (await lossOf(live!, signal))
      if (signal.aborted) return
      if (!retries.isAllowed()) return giveUp(failure.reason)
      const isFirst = !outcome && retries.count() === 0
      const ms = scheduleRetry(failure, isFirst)
      if (!isFirst) await wake.wait(ms)
    }
  }

  function giveUp(why: string): void {
    tell('error', why)
    move('error', why)
  }

  /** Notes a failed attempt or a session that ended soon; returns the pause before the next attempt, in ms. */
  function scheduleRetry(failure: Failure, isNow: boolean): number {
    const ms = isNow ? retries.next(0) : retries.next(failure.retryAfterMs)
    const isNew = state !== 'error' || reason !== failure.reason
    if (!retries.isExhausted()) {
      const when = isNow ? 'now' : `in ${(ms / 1000).toFixed(1)} s`
      tell('reconnecting', `${failure.reason}; attempt ${retries.count()} ${when}`)
      move('reconnecting', failure.reason)
    } else if (isNew) giveUp(failure.reason)
    // Callers wait for this attempt, also where its failure is the same again.
    changed.notify()
    return ms
  }

  /** Opens a session; returns the failure, if any, or that the server has another address meanwhile. */
  async function attempt(signal: AbortSignal): Promise<Failure | 'moved' | undefined> {
    using moving = createCancellation(signal)
    moved = () => moving.cancel(movedError)
    let leave: (() => void) | undefined
    try {
      leave = await admit({ signal: moving.signal, isRetry: retries.count() > 0 })
      const opened = await opener.open(server, moving.signal)
      if (moving.signal.aborted) await opened.close('not needed any more')
      moving.signal.throwIfAborted()
      live = opened
      connectedAt = Date.now()
      circuit.succeed()
      tell('connected', live.era)
      move('connected', live.era)
      return undefined
    } catch (error) {
      if (moving.signal.reason === movedError) return 'moved'
      failedAttempts += 1
      failedAt = performance.now()
      return failureOf(error)
    } finally {
      leave?.()
    }
  }

  /** Waits until the session is over; returns why. One that lived long has made up for the failures before it. */
  async function lossOf(lost: LiveSession, signal: AbortSignal): Promise<Failure> {
    const began = performance.now()
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
    if (performance.now() - began >= stableMs) retries.reset()
    if (!signal.aborted) tell('lost', why)
    return { outcome: 'not_sent', reason: why, isFault: true }
  }

  /**
   * Stops connecting. The calls in flight are answered, unless `cut`. `park`: no call is to connect it again, `finish`: nothing is.
   */
  async function stop(why: string, { cut = false, park = false, finish = false } = {}): Promise<void> {
    isParked = park
    isFinished ||= finish
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
    // What has just failed is not tried again for each call.
    if (performance.now() - failedAt < minRetryGapMs) throw unsent(reason)
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
  function call(tool: Tool, args: Record<string, unknown>, limits: CallLimits): Promise<CallToolResult> {
    return current()?.call(tool, args, limits) ?? Promise.reject(unsent(reason))
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
      moved()
      run?.wake()
    } else if (!jsonEqual(before.capabilities, next.capabilities)) live?.refreshTools()
    if (before.status !== next.status && next.status === 'healthy') run?.wake()
  }

  function view(): ConnectionView {
    const listed = { tools: tools.all().size, omitted: tools.omitted(), era: live?.era }
    const facts = { state, reason, connectedAt, lastActivity, ...listed }
    return viewOf(server, { ...facts, retries: live ? 0 : retries.count(), circuit: circuit.state() })
  }

  return {
    id: server.id,
    server: () => server,
    state: () => state,
    isConnected: () => current() !== undefined,
    isParked: () => isParked,
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

/** Time that a session must live to count as a success, in ms. */
const stableMs = 10_000
/** Minimum time between a failed attempt and one that a call asks for, in ms. */
const minRetryGapMs = 1000
const movedError = new Error('its definition changed')
