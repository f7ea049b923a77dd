import { sendAll } from '../burst.ts'
/** A client in a separate process that sends each body once, many at a time. */
import { quantile } from '../figures.ts'

type BurstRequest = { url: string; path: string; bodies: string[]; connections: number }

process.on('message', ({ url, path, bodies, connections }: BurstRequest) => {
  const requests = bodies.map((body) => ({ method: 'POST', path, body }) as const)
  sendAll(url, requests, { connections })
    .then(({ ms, each }) => process.send?.({ ms, p50: quantile(each, 0.5), p99: quantile(each, 0.99) }))
    .catch((error: unknown) => process.send?.({ error: String(error) }))
})
