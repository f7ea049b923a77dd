import { createChangeSignal } from '../../flow/wake-signal.ts'
import type { MeshAnswer, MeshRegistration, Renewal } from '../roster/agents.ts'
import { RosterError } from '../roster/error.ts'
import { createReconnectPause } from '../roster/reconnect-pause.ts'

/** What happened between an agent and its roster. */
export type AgentEvent =
  /** The roster knows the agent and its functions. */
  | { readonly type: 'registered' }
  /** A request failed; the next attempt follows after `retry_ms`. */
  | { readonly type: 'disconnected'; readonly error: RosterError; readonly retry_ms: number }
  /** The agent's own check failed: it sends no heartbeats until the check succeeds. */
  | { readonly type: 'suspended'; readonly reason: string }
  | { readonly type: 'resumed' }
  /** A dependency has another provider, or none. */
  | {
      readonly type: 'rewired'
      readonly function_name: string
      readonly dependency: string
      /** Id of the agent that provides it. */
      readonly provider: string | null
    }
  /** The agent has left the roster; `error` where it could not say so in time. */
  | { readonly type: 'left'; readonly error?: RosterError }

/** The requests to a roster that keep an agent registered. */
export type LeaseRequests = {
  readonly join: (registration: MeshRegistration, limits: { signal: AbortSignal }) => Promise<MeshAnswer>
  readonly renew: (agent_id: string, limits: { signal: AbortSignal }) => Promise<Renewal>
  readonly unregister: (agent_id: string, limits: { signal: AbortSignal }) => Promise<void>
}

/** Maximum pause before a failed check is made again, in ms: what has just started is soon well. */
const maxRecheckMs = 1000

/**
 * Registers an agent and sends its heartbeats until `signal` aborts; never gives up.
 *
 * A heartbeat is a request without a body; the whole registration follows where the roster says that something has changed, or
 * that it does not know the agent.
 */
export function createHeartbeatLoop({
  requests,
  registration,
  intervalMs,
  check,
  checkMs,
  onAnswer,
  onEvent,
  signal,
}: {
  requests: LeaseRequests
  registration: () => MeshRegistration
  intervalMs: number
  check?: ((signal: AbortSignal) => unknown) | undefined
  /** Maximum duration of the check. */
  checkMs: number
  onAnswer?: (answer: MeshAnswer) => void
  onEvent: (event: AgentEvent) => void
  signal: AbortSignal
}) {
  const change = createChangeSignal()
  const backoff = createReconnectPause()
  const problemOf = createBoundedCheck(check, checkMs)
  /** Whether the roster has the present registration. */
  let isCurrent = false
  /** Whether a registration was ever sent: the roster may know the agent, even where its answer was lost. */
  let wasSent = false
  let isKnown = false
  let suspendedBy: string | undefined

  /** Suspends or resumes; whether the agent may send a heartbeat. */
  async function admit(): Promise<boolean> {
    const problem = await problemOf(signal)
    if (signal.aborted) return false
    if (problem !== undefined && suspendedBy === undefined) onEvent({ type: 'suspended', reason: problem })
    if (problem === undefined && suspendedBy !== undefined) onEvent({ type: 'resumed' })
    suspendedBy = problem
    return problem === undefined
  }

  async function beat(): Promise<void> {
    if (isCurrent) {
      const renewal = await requests.renew(registration().agent_id, { signal })
      if (renewal === 'current') return
      if (renewal === 'unknown') isKnown = false
    }
    // Set before the request: what changes while it is under way is sent by the next one.
    isCurrent = true
    wasSent = true
    try {
      const answer = await requests.join(registration(), { signal })
      if (!isKnown) onEvent({ type: 'registered' })
      isKnown = true
      onAnswer?.(answer)
    } catch (error) {
      isCurrent = false
      throw error
    }
  }

  /** Sends one heartbeat; the pause until the next one in ms, and the error that it failed with. */
  async function attempt(): Promise<{ pauseMs: number; error?: RosterError }> {
    if (!(await admit())) return { pauseMs: Math.min(intervalMs, maxRecheckMs) }
    try {
      await beat()
      backoff.connected()
      return { pauseMs: isCurrent ? intervalMs : 0 }
    } catch (error) {
      if (signal.aborted) return { pauseMs: 0 }
      const failure = rosterError(error)
      // A refusal stays one for a while; an outage may end at any moment.
      const pauseMs = isRefusal(failure) ? Math.max(intervalMs, backoff.next(failure)) : backoff.next(failure)
      onEvent({ type: 'disconnected', error: failure, retry_ms: pauseMs })
      return { pauseMs, error: failure }
    }
  }

  /** Resolves with the error of the first attempt, or with undefined; the loop goes on. */
  async function start(): Promise<RosterError | undefined> {
    const first = await attempt()
    void run(first.pauseMs)
    return first.error
  }

  async function run(firstPauseMs: number): Promise<void> {
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = (await attempt()).pauseMs) {
      if (pauseMs > 0) await change.wait(signal, pauseMs)
      if (signal.aborted) return
    }
  }

  /** Removes the agent from the roster, within `ms`. */
  async function leave(ms: number): Promise<void> {
    if (!wasSent) return
    try {
      await requests.unregister(registration().agent_id, { signal: AbortSignal.timeout(Math.ceil(ms)) })
      onEvent({ type: 'left' })
    } catch (error) {
      const failure = rosterError(error)
      onEvent({ type: 'left', ...(failure.status !== 404 && { error: failure }) })
    }
  }

  /** The registration has changed: it is sent at once. */
  function refresh(): void {
    isCurrent = false
    change.notify()
  }

  return { start, leave, refresh, suspension: () => suspendedBy }
}

function rosterError(error: unknown): RosterError {
  if (error instanceof RosterError) return error
  const isLate = error instanceof DOMException && error.name === 'TimeoutError'
  return new RosterError(isLate ? 'the roster did not answer in time' : String(error), { cause: error })
}

/** Whether the roster understood the request and rejects it. */
export function isRefusal({ status }: RosterError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

/** Runs a check, one at a time; resolves with why it failed. A check that hangs has failed, and is not called again until it ends. */
function createBoundedCheck(check: ((signal: AbortSignal) => unknown) | undefined, maxMs: number) {
  let running: Promise<string | undefined> | undefined

  async function run(signal: AbortSignal): Promise<string | undefined> {
    try {
      return (await check?.(signal)) === false ? 'the check answered false' : undefined
    } catch (error) {
      return `the check failed: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  return async (signal: AbortSignal): Promise<string | undefined> => {
    if (!check) return undefined
    // Cleared in a later turn: a check that throws at once has ended before it is assigned.
    running ??= run(signal).finally(() => (running = undefined))
    const ended = running
    const change = createChangeSignal()
    const finished = ended.finally(change.notify)
    await change.wait(signal, maxMs)
    return running === ended ? `the check gave no answer within ${maxMs / 1000} s` : finished
  }
}
