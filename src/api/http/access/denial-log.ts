import type { IncomingMessage } from 'node:http'
import type { Log } from '../../../log.ts'
import type { Principal } from '../../../model/principal.ts'
import { pathOf } from './guard.ts'
import { createRateLimiter } from './rate-limiter.ts'

/** Lines for one address, and for all together. */
const ratePerAddress = { requests_per_second: 0.1, burst: 5 }
const totalRate = { requests_per_second: 1, burst: 50 }
const maxPathLength = 200

/** Leaves an audit line for requests that were denied. Limited, so that a guesser cannot fill the log. */
export function createDenialLog({ log, now }: { log: Pick<Log, 'warn'>; now?: () => number }) {
  const waitOf = createRateLimiter(now ? { now } : {})
  let suppressed = 0

  return function record(request: IncomingMessage, principal: Principal, status: number): void {
    if (status !== 401 && status !== 403) return
    const remote = request.socket.remoteAddress
    if (waitOf(`address ${remote}`, ratePerAddress) !== undefined || waitOf('all', totalRate) !== undefined) {
      suppressed += 1
      return
    }
    const path = pathOf(request).slice(0, maxPathLength)
    const more = suppressed > 0 ? { suppressed } : {}
    log.warn(
      { audit: true, principal: principal.name, status, method: request.method, path, remote, ...more },
      'request denied',
    )
    suppressed = 0
  }
}
