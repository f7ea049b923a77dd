import type { Change } from '../../model/change.ts'
import type { EventType, Json, WatchSelection } from './watch-selection.ts'

/** How a watch is spelled: server-sent events, newline JSON, or the elements of a JSON array, each after a comma. */
export type StreamFormat = 'sse' | 'lines' | 'array'

/** Bytes ready to be written: as they are, and the same memory as one chunk of a chunked body. */
export type Piece = { readonly bytes: Buffer; readonly chunk: Buffer }

/** Pieces, how many bytes they are together, and the revision that whoever has read them knows. */
export type Made = { readonly pieces: readonly Piece[]; readonly bytes: number; readonly revision: number }

/** Pieces are about this long: long enough to be worth a write, short enough to stop between two. */
const pieceBytes = 64 * 1024

/** Bytes around the JSON of one thing. */
function around(format: StreamFormat, type: EventType, noun: string, token: string | undefined): [string, string] {
  if (format === 'sse')
    return [`${token === undefined ? '' : `id: ${token}\n`}event: ${type}\ndata: {"${noun}":`, '}\n\n']
  const said = token === undefined ? '' : `"token":${JSON.stringify(token)},`
  return [`${format === 'array' ? ',' : ''}{"type":"${type}",${said}"${noun}":`, format === 'array' ? '}' : '}\n']
}

/** A message that is about no server: BOOKMARK, RESYNC, CLOSED. */
export function message(format: StreamFormat, type: string, data: Readonly<Record<string, string>>): Piece {
  if (format !== 'sse') return pieceOf(`${JSON.stringify({ type, ...data })}\n`)
  const id = data['token'] === undefined ? '' : `id: ${data['token']}\n`
  return pieceOf(`${id}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** One piece of text, or of parts. It is framed here, once, whatever the number of those it is sent to. */
export function pieceOf(content: string | readonly Buffer[]): Piece {
  const parts = typeof content === 'string' ? [Buffer.from(content)] : content
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const size = `${length.toString(16)}\r\n`
  // Not out of the pool that the servers' own bytes come from: what lives shortly would keep that of the others in use.
  const chunk = Buffer.allocUnsafeSlow(size.length + length + 2)
  let at = chunk.write(size)
  for (const part of parts) at += part.copy(chunk, at)
  chunk.write('\r\n', at)
  return { bytes: chunk.subarray(size.length, at), chunk }
}

/** Gathers frames into pieces of a good length. */
function createPieces() {
  let parts: Buffer[] = []
  let length = 0

  function add(...some: readonly Buffer[]): Piece | undefined {
    for (const part of some) length += part.length
    parts.push(...some)
    return length >= pieceBytes ? take() : undefined
  }

  function take(): Piece | undefined {
    if (parts.length === 0) return undefined
    const piece = pieceOf(parts)
    parts = []
    length = 0
    return piece
  }

  return { add, take }
}

/**
 * The events of one batch, as pieces; undefined in between, where whoever runs this may take a break.
 *
 * Only the last event carries the token: whoever has half of a revision must not go on from its end.
 */
export function* eventPieces(
  changes: readonly Change[],
  { subject, format, token }: { subject: WatchSelection; format: StreamFormat; token: string },
): Iterable<Piece | undefined> {
  const pieces = createPieces()
  let waiting: ReturnType<WatchSelection['events']>[number] | undefined
  const framed = ({ type, json }: NonNullable<typeof waiting>, said?: string) => {
    const [before, after] = around(format, type, subject.noun, said)
    return [Buffer.from(before), json(), Buffer.from(after)]
  }
  for (const change of changes) {
    yield undefined
    for (const event of subject.events(change)) {
      if (waiting) yield pieces.add(...framed(waiting))
      waiting = event
    }
  }
  if (waiting) yield pieces.add(...framed(waiting, token))
  yield pieces.take()
}

/** Everything that is there, as ADDED events without a token, closed by a BOOKMARK that has it. */
export function* picturePieces(
  picture: readonly Json[],
  { subject, format, token }: { subject: WatchSelection; format: StreamFormat; token: string },
): Iterable<Piece | undefined> {
  const pieces = createPieces()
  const [before, after] = around(format, 'ADDED', subject.noun, undefined).map((text) => Buffer.from(text))
  for (const json of picture) {
    if (before && after) yield pieces.add(before, json(), after)
  }
  yield pieces.add(message(format, 'BOOKMARK', { token }).bytes)
  yield pieces.take()
}
