import type { CallToolResult, PriorDiscovery, Tool } from '@modelcontextprotocol/client'
import { createWakeSignal } from '../../../flow/wake-signal.ts'
import { pause } from '../../roster/cancellation.ts'
import type { FleetSettings } from '../fleet-options.ts'
import { ExchangeError, type Failure } from './failure.ts'
import { watchLiveness } from './liveness.ts'
import { type CallLimits, openSession, type Session } from './open-session.ts'
import type { Target } from './target.ts'
import type { ToolCache } from './tool-cache.ts'

/** Pause before a list that changed is read, in ms: servers tell of many changes at once. */
const toolsDebounceMs = 100
/** Minimum pause between two readings of a list, in ms: some servers change it at each. */
const minToolsGapMs = 1000
/** Code of a call whose tool or arguments the server does not know. */
const unknownTool = -32_602
/** Default age at which a list is read again, in ms: of a server that tells of changes, and of any other. */
const toldTtlMs = 300_000
const untoldTtlMs = 60_000

type Parts = {
  readonly target: Target
  readonly prior: PriorDiscovery | undefined
  readonly settings: FleetSettings
  readonly tools: ToolCache
  /** Aborts the opening; a session that is open ends by `end`. */
  readonly signal: AbortSignal
  readonly onActivity: () => void
}

// The type is explicit: the library's declaration files cannot name the inferred one.
export type LiveSession = Pick<Session, 'era' | 'prior'> & {
  /** Aborts with the reason when the session is over. */
  readonly over: AbortSignal
  readonly inFlight: () => number
  readonly refreshTools: () => void
  /** Calls a tool; throws an `ExchangeError`, or the reason of the signal. */
  readonly call: (tool: Tool, args: Record<string, unknown>, limits: CallLimits) => Promise<CallToolResult>
  /** Ends the session for new calls, and closes it after those in flight, which may still be answered. */
  readonly retire: (why: string) => Promise<void>
  /** Closes the session with all its calls. */
  readonly close: (why: string) => Promise<void>
}

/**
 * Opens a session, reads its tools, and watches both until it ends.
 *
 * @throws {ExchangeError} It could not be opened, or its tools could not be read.
 */
export async function openLiveSession({
  target,
  prior,
  settings,
  tools,
  signal,
  onActivity,
}: Parts): Promise<LiveSession> {
  const over = new AbortController()
  const refresh = createWakeSignal({ signal: over.signal })
  let doubt: () => void = () => undefined
  let inFlight = 0
  let isDrained: () => void = () => undefined

  const session = await openSession(target, {
    prior,
    signal,
    timeoutMs: settings.connectTimeoutMs,
    clientInfo: settings.clientInfo,
    maxAnswerBytes: settings.maxAnswerBytes,
    onDoubt: () => doubt(),
    onClose: () => over.abort('the connection was closed by the server'),
    onToolsChanged: refresh.raise,
  })
  await prove(session)
  onActivity()
  const liveness = watchLiveness({
    session,
    signal: over.signal,
    intervalMs: settings.pingIntervalMs,
    timeoutMs: settings.pingTimeoutMs,
    onAlive: onActivity,
    onGap: refresh.raise,
    onDead: (why) => over.abort(why),
  })
  doubt = liveness.check
  over.signal.addEventListener('abort', session.leave, { once: true })
  void keepToolsFresh()

  /** A session that starts from earlier knowledge has asked the server nothing yet. */
  async function prove(opened: Session): Promise<void> {
    try {
      const limits = { signal, timeoutMs: settings.connectTimeoutMs }
      await (opened.hasTools ? tools.read(opened, limits) : opened.ping(limits))
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  async function keepToolsFresh(): Promise<void> {
    const ttlMs = settings.toolsTtlMs ?? (session.tellsOfTools ? toldTtlMs : untoldTtlMs)
    while (session.hasTools && !over.signal.aborted) {
      await refresh.wait(Math.max(0, ttlMs - tools.ageMs()))
      await pause(toolsDebounceMs, over.signal)
      refresh.take()
      // What is known stays; a server that is gone is found by its pings.
      await tools.read(session, { signal: over.signal, timeoutMs: settings.callTimeoutMs }).catch(liveness.check)
      await pause(minToolsGapMs, over.signal)
    }
  }

  async function call(tool: Tool, args: Record<string, unknown>, limits: CallLimits): Promise<CallToolResult> {
    inFlight += 1
    try {
      const result = await session.callTool(tool, args, limits)
      liveness.noteSign()
      return result
    } catch (error) {
      if (error instanceof ExchangeError) doubtAfter(error.failure)
      throw error
    } finally {
      inFlight -= 1
      if (inFlight === 0) isDrained()
    }
  }

  /** A failed call is no verdict on the server, but a reason to look. */
  function doubtAfter({ isSessionLost, isFault, reason, protocol }: Failure): void {
    if (isSessionLost) over.abort(reason)
    else if (protocol?.code === unknownTool) refresh.raise()
    else if (isFault) liveness.check()
  }

  async function retire(why: string): Promise<void> {
    over.abort(why)
    if (inFlight > 0) await new Promise<void>((resolve) => void (isDrained = resolve))
    await session.close()
  }

  async function close(why: string): Promise<void> {
    over.abort(why)
    await session.close()
  }

  return {
    era: session.era,
    prior: session.prior,
    over: over.signal,
    inFlight: () => inFlight,
    refreshTools: refresh.raise,
    call,
    retire,
    close,
  }
}
