import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../log.ts'
import type { Limits } from '../config/limits.ts'
import type { Listen } from '../config/listen.ts'
import { pathOf } from '../http/access/guard.ts'
import { hostNameOf, isHostAllowed, isLoopback } from '../http/access/host.ts'
import { listen } from '../http/listening/server.ts'
import { Problem } from '../http/problem.ts'
import { baseHeaders, replyToError, writeReply } from '../http/reply.ts'

const paths = new Set(['/', '/metrics', '/metrics/prometheus'])

/** Serves the metrics as Prometheus text on a separate port until disposed, for scrapers that must not reach the API. */
export async function openMetricsPort({
  listen: address,
  hosts,
  port,
  text,
  limits,
  log,
  isContained,
}: {
  /** The address of the API; this port uses its host and its certificate. */
  listen: Listen
  /** Further names that `Host` may hold, from the current config. */
  hosts: () => readonly string[]
  port: number
  text: () => Promise<string>
  limits: Limits
  log: Log
  isContained?: boolean
}) {
  const loopback = isLoopback(address.host)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      assertServed(request)
      const body = Buffer.from(await text())
      const headers = {
        ...baseHeaders,
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'content-length': String(body.length),
        'cache-control': 'no-store',
      }
      writeReply(request, response, { status: 200, headers, body })
    } catch (error) {
      writeReply(request, response, replyToError(error, { log, path: pathOf(request) }))
    }
  }

  function assertServed(request: IncomingMessage): void {
    const name = hostNameOf(request.headers.host ?? '')
    if (name !== undefined && !isHostAllowed(name, { loopback, hosts: hosts() }))
      throw new Problem('host_forbidden', 'The metrics port does not answer to this name; add it to listen.hosts.')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new Problem('method_not_allowed', `${request.method} is not allowed; use GET or HEAD.`, {
        headers: { allow: 'GET, HEAD' },
      })
    if (!paths.has(pathOf(request))) throw new Problem('route_not_found', 'This port serves /metrics only.')
  }

  return listen(
    (request, response) => void answer(request, response),
    { ...address, port, limits, log, isContained },
    { graceMs: 1000 },
  )
}
