import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { freeBytes } from '../../../flow/bytes/free-bytes.ts'

/** How long a client may go on sending a rejected body before its connection is cut. */
const lingerMs = 5000

/**
 * Drains the rest of a rejected body before the connection closes.
 *
 * Node closes a connection after its last response. Bytes that arrive later are answered with a reset, which discards the
 * response at the client: one that sends first and reads afterwards would not see why it failed (RFC 9112 §9.6).
 */
export function closeLingering(request: IncomingMessage): void {
  discardInput(request)
  closeAfterLinger(request.socket)
}

/** Drains the body of a request that is answered without it. The connection closes after the response, not before. */
export function drainWhileAnswering(request: IncomingMessage, response: ServerResponse): void {
  discardInput(request)
  response.once('finish', () => closeAfterLinger(request.socket))
}

/** Reads and drops what the client still sends. Past the parser, to which a body in chunks of one byte is a day's work. */
function discardInput({ socket }: IncomingMessage): void {
  socket.destroySoon = () => socket.end()
  socket.removeAllListeners('data')
  socket.on('data', freeBytes)
  socket.resume()
}

/** Cuts a connection that is still open after `lingerMs`. */
export function closeAfterLinger(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}
