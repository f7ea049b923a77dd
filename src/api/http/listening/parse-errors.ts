import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { Problem } from '../problem.ts'
import { problemReply } from '../reply.ts'
import { closeAfterLinger } from './lingering-close.ts'

/** Answers bytes that are not an HTTP request: an oversized header, bad syntax, an incomplete header. */
export function answerParseError(
  error: Error & { code?: string },
  socket: Duplex,
  { lastResponse, maxHeaderBytes }: { lastResponse: ServerResponse | undefined; maxHeaderBytes: number },
): void {
  const isMidResponse = lastResponse !== undefined && lastResponse.headersSent && !lastResponse.writableFinished
  if (!socket.writable || isMidResponse || error.code === 'ECONNRESET') return void socket.destroy()
  writeProblem(socket, problemOf(error.code, maxHeaderBytes))
}

/** Writes a problem to a bare connection and closes it. */
export function writeProblem(socket: Duplex, problem: Problem): void {
  const { status, headers, body } = problemReply(problem)
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body.toString()}`)
  closeAfterLinger(socket)
  socket.removeAllListeners('data')
  socket.on('data', () => {}) // drains the bytes, which the parser would reject again
}

function problemOf(code: string | undefined, maxHeaderBytes: number): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('header_too_large', `The request header is larger than ${maxHeaderBytes} bytes.`)
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout', 'The request did not arrive in time.')
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new Problem('chunk_extensions_too_large', 'The chunk extensions are too large.')
  return new Problem('malformed_request', 'Malformed HTTP request.')
}
