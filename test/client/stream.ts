import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Server } from '../../src/model/server.ts'
import { server } from '../builders.ts'

/** One thing that a scripted watch does with a connection. */
type Act = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/** A roster whose every connection goes by the script: the first by its first act, and so on; the last act again and again. */
export async function scripted(...acts: readonly Act[]) {
  const requests: { url: string; lastEventId: string | undefined; authorization: string | undefined }[] = []
  const open = new Set<ServerResponse>()
  const syncing: string[] = []
  const http = createServer((request, response) => {
    const { url = '', headers } = request
    if (url === '/ready') {
      response.statusCode = syncing.length > 0 ? 503 : 200
      return void response.end(JSON.stringify({ syncing }))
    }
    const act = acts[Math.min(requests.length, acts.length - 1)]
    requests.push({
      url,
      lastEventId: headers['last-event-id'] as string | undefined,
      authorization: headers.authorization,
    })
    open.add(response)
    response.once('close', () => open.delete(response))
    return void act?.(request, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    /** Sources that `/ready` names as unread; while there are any, it is 503. */
    syncing,
    /** Connections that are open. */
    open: () => open.size,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

/** Sends these pieces of an event stream, and leaves it open. */
export const telling =
  (...pieces: readonly string[]): Act =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) response.write(piece)
  }

/** The same, and then the connection breaks. */
export const breakingAfter =
  (...pieces: readonly string[]): Act =>
  async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) await new Promise<void>((resolve) => void response.write(piece, () => resolve()))
    response.socket?.end()
  }

/** Rejects a request. */
export const refusing =
  (status: number, detail: string, headers: Record<string, string> = {}): Act =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    response.end(JSON.stringify({ status, detail }))
  }

export function event(type: 'ADDED' | 'MODIFIED' | 'DELETED', about: Partial<Server>, token?: string): string {
  const { name = 'weather', namespace = 'default' } = about
  const fields = { ...server({ ...about, name: 'weather' }), name, id: `${namespace}/${name}` }
  return `${token ? `id: ${token}\n` : ''}event: ${type}\ndata: ${JSON.stringify({ server: fields })}\n\n`
}

export const bookmark = (token: string) => `id: ${token}\nevent: BOOKMARK\ndata: {"token":"${token}"}\n\n`
export const resync = (reason: string) => `event: RESYNC\ndata: ${JSON.stringify({ reason })}\n\n`
