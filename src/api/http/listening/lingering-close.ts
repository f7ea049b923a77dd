import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** How long a client may go on sending what nobody will read. */
const lingerMs = 5000

/**
 * Reads the rest of a refused body away before the connection is closed, for so long at most.
 *
 * Node closes a connection with its last answer, and what still arrives then is answered with a reset, which takes the
 * answer with it: a client that sends first and reads afterwards would never see why it was refused (RFC 9112 §9.6).
 */
export function closeLingering(request: IncomingMessage): void {
  const { socket } = request
  socket.destroySoon = () => socket.end()
  request.once('end', () => socket.end())
  request.resume()
  lingerOn(socket)
}

/** Cuts a connection that is still open when the patience is over. */
export function lingerOn(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}
