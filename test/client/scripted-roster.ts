import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One answer: a status with a body and headers, or `reset` for a connection that is cut without one. */
export type Scripted =
  | 'reset'
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }

/** An HTTP server that gives its answers one after the other, the last one for ever, and keeps the requests. */
export async function scriptedRoster(...answers: readonly Scripted[]) {
  const requests: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = []
  let script = answers
  let next = 0
  const server = createServer((request, response) => {
    requests.push({ method: request.method, url: request.url, headers: request.headers })
    const answer = script[Math.min(next, script.length - 1)]
    next += 1
    if (answer === undefined || answer === 'reset') request.socket.destroy()
    else {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(answer.body === undefined ? '' : JSON.stringify(answer.body))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** Gives these answers from now on. */
    answer(...others: readonly Scripted[]) {
      script = others
      next = 0
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
