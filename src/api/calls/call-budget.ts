import type { IncomingMessage } from 'node:http'
import type { CallsConfig } from '../config/calls.ts'

/**
 * The time of a call in seconds: what `X-Mesh-Timeout` asks for, as agents and `meshctl` send it, within `calls.max_timeout`.
 * Anything but a number of seconds counts as absent.
 */
export function budgetOf(
  { headers: { 'x-mesh-timeout': asked } }: Pick<IncomingMessage, 'headers'>,
  { timeout, max_timeout }: Pick<CallsConfig, 'timeout' | 'max_timeout'>,
): number {
  const seconds = typeof asked === 'string' && /^\d{1,9}$/.test(asked) ? Number(asked) : 0
  return Math.min(seconds > 0 ? seconds : timeout, max_timeout)
}
