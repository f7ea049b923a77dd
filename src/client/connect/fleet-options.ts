import type { AuthProvider, Implementation, OAuthClientProvider } from '@modelcontextprotocol/client'
import { strategies, type Strategy } from '../../model/balancing/choose.ts'
import type { ServerId } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import type { WatchQuery } from '../roster/query.ts'
import type { ConnectOptions } from '../roster/requests/roster-http.ts'
import type { Roster } from '../roster/roster.ts'
import type { ConnectionState, ConnectionView } from './connection/connection-view.ts'

/** What a server is given to identify the caller. */
export type Credentials = {
  /** Headers of every request (http, sse). */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Variables of the command's environment (stdio). */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** OAuth, as the MCP SDK does it. */
  readonly authProvider?: AuthProvider | OAuthClientProvider | undefined
}

type MaybePromise<T> = T | Promise<T>

export type FleetOptions = {
  /** The roster: its URL, the options of `connectRoster`, or what that returned. */
  readonly roster: string | URL | ConnectOptions | Roster
  /** Which servers; default: all. Disabled ones are shown, but never connected. */
  readonly query?: WatchQuery
  /** Connect to a server when it is first needed, instead of at once. */
  readonly lazy?: boolean
  /** Maximum number of servers that are being connected at a time (default 10). */
  readonly concurrency?: number
  /** Whether the command of a stdio server may be started on this machine. Default: never. */
  readonly stdio?: (server: Server) => boolean
  /** Called for each connection. Its answer goes only to the origin that the server had when it was first given. */
  readonly credentials?: (server: Server) => MaybePromise<Credentials | undefined>
  /** Read headers and environment from the roster, with `?secrets=true`; the token needs the right. Default: false. */
  readonly secrets?: boolean
  /** The value of a `${NAME}` in a definition, such as `(name) => process.env[name]`. Default: none, or the default in the text. */
  readonly placeholders?: (name: string) => string | undefined
  /** Whether credentials that were first sent to the origin `boundTo` may go to the new origin of this server. Default: never. */
  readonly allowOriginChange?: (server: Server, boundTo: string) => MaybePromise<boolean>
  /** How `call` chooses among servers that offer the same. Default: `random`. */
  readonly strategy?: Strategy
  /** Servers of this zone are preferred, then those of this region. */
  readonly zone?: string
  readonly region?: string
  /** Maximum time until the roster has given its first list, in ms (default 30,000); later outages do not matter. */
  readonly rosterTimeoutMs?: number
  /** Maximum time to connect to one server, in ms (default 10,000). */
  readonly connectTimeoutMs?: number
  /** Maximum time of one attempt of a call without an answer or progress, in ms (default 60,000). */
  readonly callTimeoutMs?: number
  /** Pause after the last sign of life until a server is asked for another, in ms (default 10,000). */
  readonly pingIntervalMs?: number
  /** Maximum time for the answer, in ms (default 5000). */
  readonly pingTimeoutMs?: number
  /** Age at which a tool list is read again, in ms. Default: 300,000 where the server tells of changes, else 60,000. */
  readonly toolsTtlMs?: number
  /** After `failures` in a row, a server gets no call for `openMs`; then one, which decides (default 5 and 10,000). */
  readonly breaker?: { readonly failures?: number; readonly openMs?: number }
  /** Replaces the hint `auto_reconnect` of every server. */
  readonly autoReconnect?: boolean
  /** Replaces the hint `max_retries` of every server: failures in a row after which its state is `error`. */
  readonly maxRetries?: number
  /** Replaces the hint `retry_delay` of every server: the first pause, in ms. */
  readonly retryDelayMs?: number
  /** Maximum pause between two attempts, in ms (default 60,000). */
  readonly maxPauseMs?: number
  /** Maximum size of one answer, or of one event in a stream, in bytes (default 64 MiB). */
  readonly maxAnswerBytes?: number
  /** Name and version that servers see. */
  readonly clientInfo?: Implementation
  /** Closes the fleet. */
  readonly signal?: AbortSignal
  /** Called when the state of a connection changes. Its errors are ignored. */
  readonly onStatus?: (server: ServerId, state: ConnectionState, view: ConnectionView) => MaybePromise<void>
}

export const defaultMaxAnswerBytes = 64 * 1024 * 1024

/** The longest time that a timer of Node can wait for, in ms. */
const maxTimerMs = 2_147_483_647

/** A time limit for a timer; a longer one is none. */
export const timerMs = (ms: number) => Math.min(ms, maxTimerMs)

/** @throws {TypeError} It is given, but no time. */
export function assertDuration(name: string, ms: unknown): void {
  if (ms !== undefined && !(typeof ms === 'number' && ms > 0))
    throw new TypeError(`\`${name}\` must be a number of milliseconds above 0`)
}

/** @throws {TypeError} It is given, but unknown. */
export function assertStrategy(strategy: unknown): void {
  if (strategy !== undefined && !strategies.includes(strategy as Strategy))
    throw new TypeError(`\`strategy\` must be one of ${strategies.join(', ')}`)
}

const durations = [
  'rosterTimeoutMs',
  'connectTimeoutMs',
  'callTimeoutMs',
  'pingIntervalMs',
  'pingTimeoutMs',
  'maxPauseMs',
] as const
const functions = ['stdio', 'credentials', 'placeholders', 'allowOriginChange', 'onStatus'] as const

/**
 * The options with their defaults.
 *
 * @throws {TypeError} One of them cannot be meant.
 */
export function settingsOf(options: FleetOptions) {
  for (const name of durations) assertDuration(name, options[name])
  for (const name of functions)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new TypeError(`\`${name}\` must be a function`)
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw new TypeError('`signal` must be an AbortSignal')
  assertStrategy(options.strategy)
  const { concurrency = 1 } = options
  if (!(Number.isInteger(concurrency) && concurrency > 0))
    throw new TypeError('`concurrency` must be a whole number above 0')
  return {
    query: {},
    lazy: false,
    concurrency: 10,
    stdio: () => false,
    credentials: () => undefined,
    secrets: false,
    placeholders: () => undefined,
    allowOriginChange: () => false,
    strategy: 'random' as Strategy,
    rosterTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    callTimeoutMs: 60_000,
    pingIntervalMs: 10_000,
    pingTimeoutMs: 5000,
    breaker: {},
    maxPauseMs: 60_000,
    maxAnswerBytes: defaultMaxAnswerBytes,
    clientInfo: { name: 'mcp-roster', version: '1' },
    ...options,
    ...Object.fromEntries(durations.flatMap((name) => (options[name] ? [[name, timerMs(options[name])]] : []))),
  } satisfies FleetOptions
}
export type FleetSettings = ReturnType<typeof settingsOf>
