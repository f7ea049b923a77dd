import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../log.ts'
import type { Limits } from '../config/limits.ts'
import type { Listen } from '../config/listen.ts'
import { pathOf } from '../http/access/guard.ts'
import { hostNameOf, isLoopback } from '../http/access/host.ts'
import { listen } from '../http/listening/server.ts'
import { Problem } from '../http/problem.ts'
import { baseHeaders, problemReply, replyToError, writeReply } from '../http/reply.ts'

const paths = new Set(['/', '/metrics', '/metrics/prometheus'])

/**
 * Serves the metrics, as Prometheus text and nothing else, on a port of their own until disposed: for scrapers that must
 * not reach the registry itself.
 */
export async function openMetricsPort({
  listen: where,
  hosts,
  port,
  text,
  limits,
  log,
}: {
  /** Where the daemon itself listens; the same host, and the same certificate. */
  listen: Listen
  /** Further names that may stand in `Host`, as the config has them now. */
  hosts: () => readonly string[]
  port: number
  text: () => Promise<string>
  limits: Limits
  log: Log
}) {
  const loopback = isLoopback(where.host)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      refuseStrangers(request)
      const body = Buffer.from(await text())
      const headers = {
        ...baseHeaders,
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'content-length': String(body.length),
        'cache-control': 'no-store',
      }
      writeReply(request, response, { status: 200, headers, body })
    } catch (error) {
      const known = error instanceof Problem ? problemReply(error) : replyToError(error, { log, path: pathOf(request) })
      writeReply(request, response, known)
    }
  }

  function isAllowed(name: string): boolean {
    return hosts().some((host) => host.toLowerCase() === name)
  }

  function refuseStrangers(request: IncomingMessage): void {
    const name = hostNameOf(request.headers.host ?? '')
    // A page of a rebound name must not read what is meant for this machine.
    if (loopback && name !== undefined && !isLoopback(name) && !isAllowed(name))
      throw new Problem('host_forbidden', 'The metrics are served to localhost only.')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new Problem('method_not_allowed', 'Metrics are only read.', { headers: { allow: 'GET, HEAD' } })
    if (!paths.has(pathOf(request))) throw new Problem('route_not_found', 'This port serves /metrics and nothing else.')
  }

  return listen(
    (request, response) => void answer(request, response),
    { ...where, port, limits, log },
    { graceMs: 1000 },
  )
}
