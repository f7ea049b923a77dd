import type { Change } from '../../../model/change.ts'
import type { EncodeJson, WatchEventType, WatchSelection } from '../watch-selection.ts'
import { gzip, type StreamEncoding } from './gzip.ts'
import { type Piece, pieceOf } from './piece.ts'

/** The format of a watch: server-sent events, newline JSON, or the elements of a JSON array with a comma before each. */
export type StreamFormat = 'sse' | 'lines' | 'array'

export const contentTypes: Record<StreamFormat, string> = {
  sse: 'text/event-stream',
  lines: 'application/x-ndjson',
  array: 'application/json',
}

/** How a watcher gets its events. */
export type StreamForm = { readonly format: StreamFormat; readonly encoding: StreamEncoding | null }

/** Encoded events with their total length. A watcher that has read them is at `revision`. */
export type EncodedEvents = {
  readonly pieces: readonly Piece[]
  readonly bytes: number
  readonly revision: number
  /** Of one watcher alone, which frees each piece once it is written. */
  readonly isOwned?: boolean
}

/** Being encoded or packed; its maker says when it is done. */
export const pending = 'pending'

export function encodedEvents(pieces: readonly Piece[], revision: number): EncodedEvents {
  return { pieces, revision, bytes: pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) }
}

type Frame = { readonly selection: WatchSelection; readonly format: StreamFormat; readonly token: string }

/** Target length of a piece in bytes: worth a write, and short enough to stop after it. */
const pieceBytes = 64 * 1024

/** The text before and after the JSON of a resource. */
function envelope(
  format: StreamFormat,
  type: WatchEventType,
  noun: string,
  token: string | undefined,
): [string, string] {
  if (format === 'sse')
    return [`${token === undefined ? '' : `id: ${token}\n`}event: ${type}\ndata: {"${noun}":`, '}\n\n']
  const tokenField = token === undefined ? '' : `"token":${JSON.stringify(token)},`
  return [`${format === 'array' ? ',' : ''}{"type":"${type}",${tokenField}"${noun}":`, format === 'array' ? '}' : '}\n']
}

/** A message without a resource: BOOKMARK, RESYNC, CLOSED. */
export function controlMessage(form: StreamForm, type: string, data: Readonly<Record<string, string>>): Piece {
  return textPiece(form, controlText(form.format, type, data))
}

function controlText(format: StreamFormat, type: string, data: Readonly<Record<string, string>>): string {
  if (format !== 'sse') return `${JSON.stringify({ type, ...data })}\n`
  const id = data['token'] === undefined ? '' : `id: ${data['token']}\n`
  return `${id}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** A short text as a piece of a stream. */
export function textPiece({ encoding }: Pick<StreamForm, 'encoding'>, text: string): Piece {
  return encoding ? gzip.pack(pieceOf(text)) : pieceOf(text)
}

/** Joins frames into pieces of the target length. */
function createPieceBuilder() {
  let parts: Buffer[] = []
  let length = 0

  function add(...some: readonly Buffer[]): Piece | undefined {
    for (const part of some) length += part.length
    parts.push(...some)
    return length >= pieceBytes ? flush() : undefined
  }

  function flush(): Piece | undefined {
    if (parts.length === 0) return undefined
    const piece = pieceOf(parts)
    parts = []
    length = 0
    return piece
  }

  return { add, flush }
}

/**
 * The events of one batch, as pieces. Yields undefined in between, where the caller may yield to the event loop.
 *
 * Only the last event has the token: a watcher with half of a revision must not resume after it.
 */
export function* encodeChanges(
  changes: readonly Change[],
  { selection, format, token }: Frame,
): Iterable<Piece | undefined> {
  const builder = createPieceBuilder()
  let pending: ReturnType<WatchSelection['events']>[number] | undefined
  const framed = ({ type, json }: NonNullable<typeof pending>, eventToken?: string) => {
    const [before, after] = envelope(format, type, selection.noun, eventToken)
    return [Buffer.from(before), json(), Buffer.from(after)]
  }
  for (const change of changes) {
    yield undefined
    for (const event of selection.events(change)) {
      if (pending) yield builder.add(...framed(pending))
      pending = event
    }
  }
  if (pending) yield builder.add(...framed(pending, token))
  yield builder.flush()
}

/** Every resource as an ADDED event without a token, then a BOOKMARK with the token. */
export function* encodeSnapshot(
  snapshot: readonly EncodeJson[],
  { selection, format, token }: Frame,
): Iterable<Piece | undefined> {
  const builder = createPieceBuilder()
  const [before, after] = envelope(format, 'ADDED', selection.noun, undefined).map((text) => Buffer.from(text))
  for (const json of snapshot) {
    if (before && after) yield builder.add(before, json(), after)
  }
  yield builder.add(Buffer.from(controlText(format, 'BOOKMARK', { token })))
  yield builder.flush()
}
