import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { STATUS_CODES } from '../../../runtime/node-http.ts'
import { Problem } from '../problem.ts'
import { problemReply } from '../reply.ts'
import { lingerOn } from './lingering-close.ts'

/** Answers what was no request at all: too large a head, bad syntax, a head that never came to its end. */
export function answerParseError(
  error: Error & { code?: string },
  socket: Duplex,
  { last, headBytes }: { last: ServerResponse | undefined; headBytes: number },
): void {
  const midAnswer = last !== undefined && last.headersSent && !last.writableFinished
  if (!socket.writable || midAnswer || error.code === 'ECONNRESET') return void socket.destroy()
  answerOn(socket, problemOf(error.code, headBytes))
}

/** Writes a problem to a bare connection and closes it. */
export function answerOn(socket: Duplex, problem: Problem): void {
  const { status, headers, body } = problemReply(problem)
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body.toString()}`)
  lingerOn(socket)
  socket.removeAllListeners('data')
  socket.on('data', () => {}) // takes the bytes from the parser, which would find them wrong again
}

function problemOf(code: string | undefined, headBytes: number): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('header_too_large', `The request's head is larger than ${headBytes} bytes.`)
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout', 'The request did not arrive in time.')
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new Problem('chunk_extensions_too_large', 'The chunk extensions are too large.')
  return new Problem('malformed_request', 'This is no well-formed HTTP request.')
}
