import type { RegisteredServer } from '../../../model/change.ts'
import type { ServerId } from '../../../model/names.ts'
import type { ServerQuery } from '../../../model/query/query.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import type { Server } from '../../../model/server.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import { minPieceBytes } from '../../http/sending/streamed-body.ts'
import { detailBody, type VolatileParts } from '../detail-cache.ts'

/** A list to be encoded: the selected servers and their revision. */
export type EncodedList = {
  readonly selection: SelectedServers
  readonly token: string
  /** Names of the sources that have not answered since the start. */
  readonly syncing: readonly string[]
}

/** The bytes of one server in a list. */
export type Encode = (registered: RegisteredServer) => Buffer

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

/** The bytes of the servers from `start` on that make one piece, each but the very first after a comma. Yields wherever it may be interrupted. */
export function* pieceOfItems(
  page: readonly RegisteredServer[],
  encode: Encode,
  start: number,
): Generator<void, { readonly piece: Buffer; readonly next: number }> {
  const parts: Buffer[] = []
  let next = start
  for (let bytes = 0; next < page.length && bytes < minPieceBytes; next += 1) {
    yield
    if (next > 0) parts.push(comma)
    const part = encode(page[next] as RegisteredServer)
    parts.push(part)
    bytes += part.length
  }
  return { piece: Buffer.concat(parts), next }
}

/** The whole body of a list; undefined for one of more than `maxBytes`. */
export function bodyOfList(list: EncodedList, encode: Encode, maxBytes: number): Buffer | undefined {
  const parts: Buffer[] = []
  let bytes = 0
  for (const registered of list.selection.page) {
    const part = encode(registered)
    parts.push(part)
    bytes += part.length
    if (bytes > maxBytes) return undefined
  }
  const end = closing(list)
  const commas = Math.max(0, parts.length - 1)
  // Not from the pool of small buffers: a cached body would keep the memory of others in use.
  const body = Buffer.allocUnsafeSlow(bytes + opening.length + commas + end.length)
  let at = opening.copy(body)
  for (const part of parts) {
    if (at > opening.length) at += comma.copy(body, at)
    at += part.copy(body, at)
  }
  end.copy(body, at)
  return body
}

/** The encoder for the view and the fields of a query. */
export function encoderFor(
  { fields, view }: Pick<ServerQuery, 'fields' | 'view'>,
  volatile: (id: ServerId) => VolatileParts | undefined,
): Encode {
  const whole: Encode =
    view === 'full' ? (registered) => detailBody(registered, volatile(registered.server.id)) : ({ json }) => json()
  if (fields.length === 0) return whole
  if (view === 'full') return (registered) => encodeFields(JSON.parse(whole(registered).toString()) as Server, fields)
  return ({ server }) => Buffer.from(JSON.stringify(redactServer(requestedFields(server, fields))))
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
