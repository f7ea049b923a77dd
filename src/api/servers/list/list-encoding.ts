import type { RegisteredServer } from '../../../model/change.ts'
import type { ServerId } from '../../../model/names.ts'
import type { ServerQuery } from '../../../model/query/query.ts'
import { redactServer } from '../../../model/redaction/redact.ts'
import type { Server } from '../../../model/server.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import { detailBody, type VolatileParts } from '../detail-cache.ts'

/** A list before it is written: what was found, and of which revision. */
export type EncodedList = {
  readonly selection: SelectedServers
  readonly token: string
  /** Names of the sources that have not answered yet. */
  readonly syncing: readonly string[]
}

/** How one server stands in a list. */
export type Encode = (registered: RegisteredServer) => Buffer

const comma = Buffer.from(',')
export const opening = Buffer.from('{"servers":[')

/** What follows the servers. */
export function closing({ selection: { total, page, next }, token, syncing }: EncodedList): Buffer {
  const rest = {
    count: page.length,
    total,
    resource_version: token,
    ...(syncing.length > 0 ? { syncing } : {}),
    ...(next === undefined ? {} : { continue: next }),
  }
  return Buffer.from(`],${JSON.stringify(rest).slice(1)}`)
}

/** The bytes of some servers, commas between them and after `first` before them too; yields wherever it may be interrupted. */
export function* joinedItems(
  page: readonly RegisteredServer[],
  encode: Encode,
  first: boolean,
): Generator<void, Buffer> {
  const parts: Buffer[] = []
  for (const registered of page) {
    yield
    if (parts.length > 0 || !first) parts.push(comma)
    parts.push(encode(registered))
  }
  return Buffer.concat(parts)
}

/** The whole body of a list, made of bytes that were encoded once per server, in the `room` that is given for it. */
export function bodyOfList(listing: EncodedList, encode: Encode, room: (bytes: number) => Buffer = alone): Buffer {
  const parts = listing.selection.page.map(encode)
  const end = closing(listing)
  const commas = Math.max(0, parts.length - 1)
  const body = room(parts.reduce((sum, part) => sum + part.length, opening.length + commas + end.length))
  let at = opening.copy(body)
  for (const part of parts) {
    if (at > opening.length) at += comma.copy(body, at)
    at += part.copy(body, at)
  }
  end.copy(body, at)
  return body
}

const alone = (bytes: number) => Buffer.allocUnsafeSlow(bytes)

/** How a query wants its servers shown. */
export function encoderFor(
  { fields, view }: Pick<ServerQuery, 'fields' | 'view'>,
  volatile: (id: ServerId) => VolatileParts | undefined,
): Encode {
  const whole: Encode =
    view === 'full' ? (registered) => detailBody(registered, volatile(registered.server.id)) : ({ json }) => json()
  if (fields.length === 0) return whole
  if (view === 'full') return (registered) => picked(JSON.parse(whole(registered).toString()) as Server, fields)
  return ({ server }) => Buffer.from(JSON.stringify(redactServer(requestedFields(server, fields))))
}

function picked(server: Server, fields: readonly (keyof Server)[]): Buffer {
  return Buffer.from(JSON.stringify(requestedFields(server, fields)))
}

/** Those fields of a server that it has. */
export function requestedFields(server: Server, fields: readonly (keyof Server)[]): Partial<Server> {
  return Object.fromEntries(
    fields.filter((field) => server[field] !== undefined).map((field) => [field, server[field]]),
  )
}
