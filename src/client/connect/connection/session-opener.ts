import type { PriorDiscovery } from '@modelcontextprotocol/client'
import type { Server } from '../../../model/server.ts'
import { createCancellation, createWatchdog } from '../../roster/cancellation.ts'
import type { FleetSettings } from '../fleet-options.ts'
import { ExchangeError } from './failure.ts'
import { type LiveSession, openLiveSession } from './live-session.ts'
import type { Target } from './target.ts'
import type { ToolCache } from './tool-cache.ts'

type Parts = {
  readonly settings: FleetSettings
  readonly resolveTarget: (server: Server) => Promise<Target>
  /** What the roster knows of a server's protocol. */
  readonly priorOf: (server: Server) => Promise<PriorDiscovery | undefined>
  readonly tools: ToolCache
  readonly onActivity: () => void
}

type UrlTarget = Extract<Target, { readonly url: URL }>

const legacy = { kind: 'legacy' } as const

/** Opens the sessions of one server, and remembers what it speaks. */
export function createSessionOpener({ settings, resolveTarget, priorOf, tools, onActivity }: Parts) {
  let prior: PriorDiscovery | undefined
  let isSse = false

  /** Starts from what is known of the protocol; where that is refused, from nothing; then as HTTP+SSE, which some call http. */
  async function open(server: Server, signal: AbortSignal): Promise<LiveSession> {
    const resolved = await resolvedInTime(resolveTarget(server), signal)
    const target = isSse && resolved.type === 'http' ? { ...resolved, type: 'sse' as const } : resolved
    const known = target.type === 'sse' ? legacy : (prior ?? (await priorOf(server)))
    const opened = await openFrom(known, target, signal).catch(async (error: unknown) => {
      if (target.type !== 'http' || !isRefusal(error)) throw error
      prior = undefined
      return known ? openCold(target, signal) : openAsSse(target, error, signal)
    })
    prior = opened.prior
    return opened
  }

  /** Credentials may come from a function of the caller, which may take for ever. */
  async function resolvedInTime(resolving: Promise<Target>, signal: AbortSignal): Promise<Target> {
    using cancellation = createCancellation(signal)
    using _ = createWatchdog(settings.connectTimeoutMs, () => cancellation.cancel())
    const over = new Promise<never>((_resolve, reject) => {
      cancellation.signal.addEventListener('abort', () =>
        reject(
          new ExchangeError({ outcome: 'not_sent', reason: 'its credentials did not come in time', isFault: false }),
        ),
      )
    })
    return await Promise.race([resolving, over])
  }

  async function openCold(target: UrlTarget, signal: AbortSignal): Promise<LiveSession> {
    return openFrom(undefined, target, signal).catch((error: unknown) => {
      if (!isRefusal(error)) throw error
      return openAsSse(target, error, signal)
    })
  }

  /** Throws `refusal`, the answer to the protocol that was named, where this one does not work either. */
  async function openAsSse(target: UrlTarget, refusal: unknown, signal: AbortSignal): Promise<LiveSession> {
    const opened = await openFrom(legacy, { ...target, type: 'sse' }, signal).catch(() => {
      throw refusal
    })
    isSse = true
    return opened
  }

  const openFrom = (start: PriorDiscovery | undefined, target: Target, signal: AbortSignal) =>
    openLiveSession({ target, prior: start, settings, tools, signal, onActivity })

  /** The address has changed: another server may answer there. */
  function forget(): void {
    prior = undefined
    isSse = false
  }

  return { open, forget }
}

/** Whether the server answered, but not as the protocol that was tried demands. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ExchangeError)) return false
  const { status, protocol, isSessionLost } = error.failure
  if (isSessionLost || protocol !== undefined) return true
  return status !== undefined && status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status)
}
