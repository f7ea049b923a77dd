import { setImmediate } from 'node:timers/promises'
import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import { encodeCursor } from '../../model/query/cursor.ts'
import { unfilteredQuery, type ServerQuery } from '../../model/query/query.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { redactServer } from '../../model/redaction/redact.ts'
import type { Server } from '../../model/server.ts'
import type { ApiPorts } from '../ports.ts'
import { type Card, cardOf, versionOf } from './card.ts'
import { type Deleted, type DeletedServers, isPublished } from './deleted-servers.ts'
import { cursorOf, type Page, type ListParams } from './list-params.ts'
import { createNames, domainFor } from './names.ts'

/** One server as the official registry's API tells it. */
export type Item = {
  readonly server: Card
  readonly _meta: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const official = 'io.modelcontextprotocol.registry/official'
const ours = 'io.mcp-roster/server'

/** So many servers are looked at between two turns of the event loop. */
const atOnce = 500

export type Published = ReturnType<typeof createPublished>

/** The servers that others may see, in the form of the official registry. */
export function createPublished({
  registry,
  deleted,
  name,
  publish,
  instance,
}: Pick<ApiPorts, 'name' | 'publish' | 'instance'> & {
  registry: Pick<ApiPorts['registry'], 'get' | 'select' | 'list'>
  deleted: DeletedServers
}) {
  let names = createNames({ domain: domainFor(name) })

  function currentNames() {
    const domain = publish().domain ?? domainFor(name)
    if (domain.toLowerCase() !== names.domain) names = createNames({ domain })
    return names
  }

  function itemOf({ server }: RegisteredServer): Item {
    const { created_at, updated_at, health } = server
    const meta = { status: 'active', statusChangedAt: created_at, publishedAt: created_at, updatedAt: updated_at }
    return {
      server: cardOf(server, { name: currentNames().nameOf(server), instance: instance() }),
      _meta: { [official]: { ...meta, isLatest: true }, [ours]: { ...ownMeta(server), health } },
    }
  }

  function itemOfDeleted({ id, server, description, version, published_at, deleted_at }: Deleted): Item {
    const meta = { status: 'deleted', statusChangedAt: deleted_at, publishedAt: published_at, updatedAt: deleted_at }
    return {
      server: { name: currentNames().nameOf(server), description, version },
      _meta: { [official]: { ...meta, isLatest: true }, [ours]: { id } },
    }
  }

  /** The server that is called so. */
  function find(published: string): Item | undefined {
    const id = currentNames().idOf(published, search)
    if (id === undefined) return undefined
    const registered = registry.get(id)
    if (registered && isPublished(registered.server)) return itemOf(registered)
    const gone = deleted.get(id)
    return gone && itemOfDeleted(gone)
  }

  function search(holds: (id: ServerId, named: Pick<Server, 'namespace' | 'name'>) => boolean): ServerId | undefined {
    const living = registry.list().find(({ server }) => holds(server.id, server))?.server.id
    return living ?? deleted.list(undefined).find(({ id, server }) => holds(id, server))?.id
  }

  /** One page of what is wanted, and the cursor of the next. */
  async function page({ wanted, place, limit }: Page): Promise<{ servers: Item[]; nextCursor?: string }> {
    const servers: Item[] = []
    const full = (after: ServerId, among: 'living' | 'deleted') => ({
      servers,
      nextCursor: cursorOf(wanted, { among, after }),
    })
    let last = place.after ?? ''
    if (place.among === 'living') {
      for await (const registered of living(place.after)) {
        if (!isWanted(registered, wanted)) continue
        if (servers.length === limit) return full(last, 'living')
        servers.push(itemOf(registered))
        last = registered.server.id
      }
    }
    if (!wanted.deleted) return { servers }
    let after = place.among === 'deleted' ? place.after : undefined
    for (const one of deleted.list(after)) {
      if (!isWantedDeleted(one, wanted)) continue
      if (servers.length === limit) return full(after ?? '', 'deleted')
      servers.push(itemOfDeleted(one))
      after = one.id
    }
    return { servers }
  }

  /** The published servers behind an id, by id, a slice at a time: what changes meanwhile may be seen or not. */
  async function* living(after?: ServerId): AsyncGenerator<RegisteredServer> {
    const query: ServerQuery = { ...unfilteredQuery, enabled: true, limit: atOnce }
    let next = after === undefined ? undefined : encodeCursor(query, { key: '', id: after })
    for (;;) {
      const selection = registry.select(next === undefined ? query : { ...query, continue: next })
      yield* selection.page
      next = selection.next
      if (next === undefined) return
      await setImmediate()
    }
  }

  function isWanted({ server }: RegisteredServer, { search: text, since, version }: ListParams): boolean {
    if (since !== undefined && server.updated_at < since) return false
    if (version !== undefined && version !== 'latest' && versionOf(server) !== version) return false
    if (text === undefined) return true
    const shown = [server.title, server.description].map((one) => one && redactText(one))
    return [currentNames().nameOf(server), server.name, ...shown].some((one) => one?.toLowerCase().includes(text))
  }

  function isWantedDeleted(one: Deleted, { search: text, since, version }: ListParams): boolean {
    if (since !== undefined && one.deleted_at < since) return false
    if (version !== undefined && version !== 'latest' && one.version !== version) return false
    return text === undefined || currentNames().nameOf(one.server).toLowerCase().includes(text)
  }

  return { find, page, living, itemOf, domain: () => currentNames().domain }
}

/** What the official form has no place for. */
function ownMeta(server: Server): Readonly<Record<string, unknown>> {
  const { id, namespace, name, status, type, tags, labels, version, source, discovery_method, stale } =
    redactServer(server)
  const capabilities = server.capabilities.slice(0, 500).map((capability) => capability.name)
  const known = version === undefined ? {} : { version }
  return { id, namespace, name, type, status, tags, labels, capabilities, ...known, source, discovery_method, stale }
}
