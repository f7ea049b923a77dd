import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Reason } from '../../src/model/health.ts'
import type { HostLookup } from '../../src/outbound/dns-lookup.ts'
import type { OutboundRequest } from '../../src/outbound/http-client.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'

export const limits: OutboundRequest = { reach: 'any', timeoutMs: 5000, maxBytes: 100_000 }

/** Starts an HTTP server on loopback that stops with the test; its URL without a path. */
export async function startHttpServer(t: TestContext, respond: RequestListener): Promise<string> {
  const server = createServer(respond).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts a TCP server on loopback that stops with the test; its port. */
export async function startTcpServer(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Accepts an `OutboundError` of this reason, for `assert.rejects`. */
export function isOutboundError(reason: Reason, message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof OutboundError, String(error))
    assert.equal(error.reason, reason, error.message)
    assert.match(error.message, message)
    return true
  }
}

/** A lookup that returns these answers in turn, and the last one from then on. */
export const lookupOf =
  (...answers: string[][]): HostLookup =>
  (_hostname, _options, callback) => {
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    queueMicrotask(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    )
  }
