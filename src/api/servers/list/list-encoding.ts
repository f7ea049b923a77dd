import { freeBytes } from '../../../flow/bytes/free-bytes.ts'
import type { RegisteredServer } from '../../../model/change.ts'
import type { ServerId } from '../../../model/names.ts'
import type { ServerQuery } from '../../../model/query/query.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import type { Server } from '../../../model/server.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import type { BodyPiece } from '../../http/sending/response-budget.ts'
import { minPieceBytes, piecesOfParts } from '../../http/sending/streamed-body.ts'
import { detailBody, type VolatileParts } from '../detail-cache.ts'

/** A list to be encoded: the selected servers and their revision. */
export type EncodedList = {
  readonly selection: SelectedServers
  readonly token: string
  /** Names of the sources that have not answered since the start. */
  readonly syncing: readonly string[]
}

/** Makes the bytes of one server in a list. `ownsBytes`: they are made for this response, and nothing else keeps them. */
export type Encoder = { readonly encode: (registered: RegisteredServer) => Buffer; readonly ownsBytes: boolean }

const comma = Buffer.from(',')
export const opening = Buffer.from('{"servers":[')

/** The end of a list: its counts, its revision and the token of the next page. */
export function closing({ selection: { total, page, next }, token, syncing }: EncodedList): Buffer {
  const members = {
    count: page.length,
    total,
    resource_version: token,
    ...(syncing.length > 0 ? { syncing } : {}),
    ...(next === undefined ? {} : { continue: next }),
  }
  return Buffer.from(`],${JSON.stringify(members).slice(1)}`)
}

/** The servers from `start` on, in pieces, each but the very first after a comma. Yields wherever it may be interrupted. */
export function* nextPieces(
  page: readonly RegisteredServer[],
  { encode, ownsBytes }: Encoder,
  start: number,
): Generator<void, { readonly pieces: readonly BodyPiece[]; readonly next: number }> {
  const parts: Buffer[] = []
  let next = start
  for (let bytes = 0; next < page.length && bytes < minPieceBytes; next += 1) {
    yield
    if (next > 0) parts.push(comma)
    const part = encode(page[next] as RegisteredServer)
    parts.push(part)
    bytes += part.length
  }
  return { pieces: piecesOfParts(parts, ownsBytes), next }
}

/** The parts of a whole list; undefined for one of more than `maxBytes`. Yields wherever it may be interrupted. */
export function* partsOfList(
  { selection: { page } }: EncodedList,
  { encode }: Encoder,
  maxBytes: number,
): Generator<void, readonly Buffer[] | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for (const registered of page) {
    const part = encode(registered)
    parts.push(part)
    bytes += part.length
    if (bytes > maxBytes) return undefined
    yield
  }
  return parts
}

/** The whole body of a list, of the parts of its servers. Frees owned parts. */
export function bodyOfParts(list: EncodedList, parts: readonly Buffer[], ownsParts: boolean): Buffer {
  const end = closing(list)
  const bytes = parts.reduce((sum, { length }) => sum + length, Math.max(0, parts.length - 1))
  // Not from the pool of small buffers: a cached body would keep the memory of others in use.
  const body = Buffer.allocUnsafeSlow(opening.length + bytes + end.length)
  let at = opening.copy(body)
  for (const part of parts) {
    if (at > opening.length) at += comma.copy(body, at)
    at += part.copy(body, at)
    if (ownsParts) freeBytes(part)
  }
  end.copy(body, at)
  return body
}

/** The encoder for the view and the fields of a query. */
export function encoderFor(
  { fields, view }: Pick<ServerQuery, 'fields' | 'view'>,
  volatile: (id: ServerId) => VolatileParts | undefined,
): Encoder {
  const isFull = view === 'full'
  const whole = (registered: RegisteredServer): Buffer =>
    isFull ? detailBody(registered, volatile(registered.server.id)) : registered.json()
  if (fields.length === 0) return { encode: whole, ownsBytes: false }
  if (isFull) {
    const encode = (one: RegisteredServer) => encodeFields(JSON.parse(whole(one).toString()) as Server, fields)
    return { encode, ownsBytes: true }
  }
  const encode = ({ server }: RegisteredServer) =>
    Buffer.from(JSON.stringify(redactServer(requestedFields(server, fields))))
  return { encode, ownsBytes: true }
}

function encodeFields(server: Server, fields: readonly (keyof Server)[]): Buffer {
  return Buffer.from(JSON.stringify(requestedFields(server, fields)))
}

/** The requested fields of a server, without those that it lacks. */
export function requestedFields(server: Server, fields: readonly (keyof Server)[]): Partial<Server> {
  return Object.fromEntries(
    fields.filter((field) => server[field] !== undefined).map((field) => [field, server[field]]),
  )
}
