import { setImmediate } from 'node:timers/promises'
import type { RegisteredServer } from '../../model/change.ts'
import type { ServerId } from '../../model/names.ts'
import { encodeCursor } from '../../model/query/cursor.ts'
import { unfilteredQuery, type ServerQuery } from '../../model/query/query.ts'
import { redactServer } from '../../model/redaction/redact-server.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import type { ApiPorts } from '../ports.ts'
import { cardSchema, type ServerCard, toServerCard, versionOf } from './card.ts'
import { type DeletedServer, type DeletedServers, isPublished } from './deleted-servers.ts'
import { encodePageCursor, type ListFilter, type PageRequest } from './list-params.ts'
import { createPublishedNames, domainFor } from './published-names.ts'

/** One server in the API of the official registry. */
export type PublishedEntry = {
  readonly server: ServerCard
  readonly _meta: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const officialMeta = 'io.modelcontextprotocol.registry/official'
const ownMeta = 'io.mcp-roster/server'

/** Servers read per turn of the event loop. */
const sliceSize = 500

/** Maximum capabilities that an entry names. */
const maxCapabilities = 500

export type Published = ReturnType<typeof createPublished>

/** The enabled servers in the form of the official registry. */
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
  let names = createPublishedNames({ domain: domainFor(name) })

  function currentNames() {
    const domain = publish().domain ?? domainFor(name)
    if (domain.toLowerCase() !== names.domain) names = createPublishedNames({ domain })
    return names
  }

  function toEntry({ server }: RegisteredServer): PublishedEntry {
    const { created_at, updated_at, health } = server
    const meta = { status: 'active', statusChangedAt: created_at, publishedAt: created_at, updatedAt: updated_at }
    return {
      server: toServerCard(server, { name: currentNames().nameOf(server), instance: instance() }),
      _meta: { [officialMeta]: { ...meta, isLatest: true }, [ownMeta]: { ...ownMetaOf(server), health } },
    }
  }

  function toDeletedEntry({
    id,
    server,
    description,
    version,
    published_at,
    deleted_at,
  }: DeletedServer): PublishedEntry {
    const meta = { status: 'deleted', statusChangedAt: deleted_at, publishedAt: published_at, updatedAt: deleted_at }
    return {
      server: { $schema: cardSchema, name: currentNames().nameOf(server), description, version },
      _meta: { [officialMeta]: { ...meta, isLatest: true }, [ownMeta]: { id } },
    }
  }

  /** The entry with a published name, also of a deleted server. */
  function find(published: string): PublishedEntry | undefined {
    const id = currentNames().idOf(published, search)
    if (id === undefined) return undefined
    const registered = registry.get(id)
    if (registered && isPublished(registered.server)) return toEntry(registered)
    const deletedServer = deleted.get(id)
    return deletedServer && toDeletedEntry(deletedServer)
  }

  function search(
    predicate: (id: ServerId, server: Pick<Server, 'namespace' | 'name'>) => boolean,
  ): ServerId | undefined {
    const id = registry.list().find(({ server }) => predicate(server.id, server))?.server.id
    return id ?? deleted.list(undefined).find(({ id, server }) => predicate(id, server))?.id
  }

  /** One page of the list, and the cursor of the next. */
  async function page({
    filter,
    position,
    limit,
  }: PageRequest): Promise<{ servers: PublishedEntry[]; nextCursor?: string }> {
    const servers: PublishedEntry[] = []
    const fullPage = (after: ServerId, among: 'published' | 'deleted') => ({
      servers,
      nextCursor: encodePageCursor(filter, { among, after }),
    })
    let last = position.after ?? ''
    if (position.among === 'published') {
      for await (const registered of list(position.after)) {
        if (!matches(registered, filter)) continue
        if (servers.length === limit) return fullPage(last, 'published')
        servers.push(toEntry(registered))
        last = registered.server.id
      }
    }
    if (!filter.includeDeleted) return { servers }
    let after = position.among === 'deleted' ? position.after : undefined
    for (const one of deleted.list(after)) {
      if (!deletedMatches(one, filter)) continue
      if (servers.length === limit) return fullPage(after ?? '', 'deleted')
      servers.push(toDeletedEntry(one))
      after = one.id
    }
    return { servers }
  }

  /**
   * The published servers with an id greater than `after`, sorted by id. Yields to the event loop between slices; a change
   * meanwhile may be included or not.
   */
  async function* list(after?: ServerId): AsyncGenerator<RegisteredServer> {
    const query: ServerQuery = { ...unfilteredQuery, enabled: true, limit: sliceSize }
    let next = after === undefined ? undefined : encodeCursor(query, { key: '', id: after })
    for (;;) {
      const selection = registry.select(next === undefined ? query : { ...query, continue: next })
      yield* selection.page
      next = selection.next
      if (next === undefined) return
      await setImmediate()
    }
  }

  function matches({ server }: RegisteredServer, { search: text, since, version }: ListFilter): boolean {
    if (since !== undefined && server.updated_at < since) return false
    if (version !== undefined && version !== 'latest' && versionOf(server) !== version) return false
    if (text === undefined) return true
    const texts = [server.title, server.description].map((one) => one && redactText(one))
    return [currentNames().nameOf(server), server.name, ...texts].some((one) => one?.toLowerCase().includes(text))
  }

  function deletedMatches(one: DeletedServer, { search: text, since, version }: ListFilter): boolean {
    if (since !== undefined && one.deleted_at < since) return false
    if (version !== undefined && version !== 'latest' && one.version !== version) return false
    return text === undefined || currentNames().nameOf(one.server).toLowerCase().includes(text)
  }

  return { find, page, list, toEntry, domain: () => currentNames().domain }
}

/** The fields of a server that the official form has no place for. */
function ownMetaOf(server: Server): Readonly<Record<string, unknown>> {
  const { id, namespace, name, status, type, tags, labels, version, source, discovery_method, stale } =
    redactServer(server)
  const capabilities = server.capabilities.slice(0, maxCapabilities).map((capability) => capability.name)
  const versionField = version === undefined ? {} : { version }
  return {
    id,
    namespace,
    name,
    type,
    status,
    tags,
    labels,
    capabilities,
    ...versionField,
    source,
    discovery_method,
    stale,
  }
}
