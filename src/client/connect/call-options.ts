import type { CallToolResult, ProgressCallback } from '@modelcontextprotocol/client'
import type { Strategy } from '../../model/balancing/choose.ts'
import type { FleetError } from './fleet-error.ts'
import { assertDuration, assertStrategy } from './fleet-options.ts'

export type ToolArguments = Readonly<Record<string, unknown>>

export type CallOptions = {
  /** Only this server: its id, or its name in the namespace `default`. */
  readonly server?: string
  /** Default: the fleet's. */
  readonly strategy?: Strategy
  /** What sticks to a server, such as a session or a user; the strategy is `sticky` then. */
  readonly key?: string
  readonly signal?: AbortSignal | undefined
  /** Maximum time of one attempt without an answer or progress, in ms. */
  readonly timeoutMs?: number
  readonly onProgress?: ProgressCallback
  /** The call may be carried out twice. Default: where the tool says `readOnlyHint` or `idempotentHint`. */
  readonly repeatable?: boolean
  /** Called where no server is left and nothing was carried out; its result is the call's. */
  readonly fallback?: (error: FleetError) => CallToolResult | Promise<CallToolResult>
}

/** @throws {TypeError} The call cannot be meant: no server is to blame for it. */
export function assertCall(target: unknown, args: unknown, { signal, timeoutMs, strategy }: CallOptions): void {
  const isTool = typeof target === 'object' && target !== null && 'server' in target && 'tool' in target
  if (typeof target !== 'string' && !isTool)
    throw new TypeError('the name of a tool, or a tool of `toolList()`, is needed')
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new TypeError('the arguments of a tool must be an object')
  try {
    JSON.stringify(args)
  } catch (error) {
    throw new TypeError(`the arguments cannot be sent as JSON: ${String(error)}`, { cause: error })
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('`signal` must be an AbortSignal')
  assertDuration('timeoutMs', timeoutMs)
  assertStrategy(strategy)
}
