import { type Entry, SourceError } from '../../../model/source.ts'
import { toEntry, isFields, describeKind, type Locate, type EntryPath, describeLocation } from '../entry.ts'
import { mergeListings, type ServerListing, emptyListing } from '../server-listing.ts'
import { agentEntry, parseAiCatalog, isAgentCard, isAiCatalog } from './ai-catalog.ts'
import { normalizeClientServer, looksLikeServer } from './client-config.ts'
import { cardEntry, isServerCard, isOfficialList, parseRegistryPage } from './official-registry.ts'

const expected =
  'expected `servers:` (a map or a list), `mcpServers`, a page of an MCP registry, an AI catalogue, a server card or one server'

/**
 * Recognises what kind of document this is, and lists its servers.
 *
 * Takes the originals' `servers`, the `mcpServers` of Claude and Cursor, VS Code's `servers` + `inputs` (placeholders
 * stay), a page of the official registry, an AI catalogue, server and agent cards, and a bare server or list or map of them.
 */
export function extractListing(document: unknown, locate: Locate): ServerListing {
  if (Array.isArray(document)) return listOf(document, [], locate)
  if (!isFields(document)) throw unknownForm(`found ${describeKind(document)}`)
  const { servers } = document
  if (Array.isArray(servers) && isOfficialList(servers))
    return parseRegistryPage(document, servers, ['servers'], locate)
  const keys = ['servers', 'mcpServers', 'mcp_servers'].filter((key) => Object.hasOwn(document, key))
  if (keys.length > 0) return mergeListings(keys.map((key) => serversOf(document[key], [key], locate)))
  const inside = document['mcp']
  if (isFields(inside) && Object.hasOwn(inside, 'servers'))
    return serversOf(inside['servers'], ['mcp', 'servers'], locate)
  if (isAiCatalog(document)) return parseAiCatalog(document, [], locate)
  const where = describeLocation([], locate)
  if (isFields(document['server']) && isServerCard(document['server']))
    return one(cardEntry(document['server'], { where }))
  if (isServerCard(document)) return one(cardEntry(document, { where }))
  if (isAgentCard(document)) return one(agentEntry(document, where))
  if (looksLikeServer(document)) return one(serverEntry(document, { path: [], locate }))
  const values = Object.values(document)
  if (values.length > 0 && values.every(looksLikeServer)) return mapOf(document, [], locate)
  throw unknownForm(foundIn(document))
}

function one(entry: Entry): ServerListing {
  return { ...emptyListing, entries: [entry] }
}

function serversOf(servers: unknown, path: EntryPath, locate: Locate): ServerListing {
  if (Array.isArray(servers)) return listOf(servers, path, locate)
  if (isFields(servers)) return mapOf(servers, path, locate)
  const what =
    servers === null || servers === undefined ? 'is blank; write `{}` if there are none' : `is ${describeKind(servers)}`
  throw new SourceError(`${path.join('.')} ${what}`, { class: 'config', where: describeLocation(path, locate) })
}

function listOf(servers: readonly unknown[], path: EntryPath, locate: Locate): ServerListing {
  return {
    ...emptyListing,
    entries: servers.map((server, index) => serverEntry(server, { path: [...path, index], locate })),
  }
}

function mapOf(servers: Readonly<Record<string, unknown>>, path: EntryPath, locate: Locate): ServerListing {
  const entries = Object.entries(servers).map(([key, server]) =>
    serverEntry(server, { key, path: [...path, key], locate }),
  )
  return { ...emptyListing, entries }
}

function serverEntry(server: unknown, { key, path, locate }: { key?: string; path: EntryPath; locate: Locate }): Entry {
  const where = describeLocation(path, locate)
  if (!isFields(server)) return toEntry(server, { where, ...(key !== undefined && { name: key }) })
  const name = key === undefined ? textOf(server['name']) : nameUnder(key, server)
  return toEntry(named(normalizeClientServer(server), name), { where, ...(name !== undefined && { name }) })
}

/** A map's key is the name, whatever the fields say; only our own `namespace/name` says no more than they do. */
function nameUnder(key: string, { namespace, name }: Readonly<Record<string, unknown>>): string {
  return typeof name === 'string' && key === `${String(namespace)}/${name}` ? name : key
}

function named(server: Record<string, unknown>, name: string | undefined): Record<string, unknown> {
  if (name === undefined || server['name'] === name) return server
  const called = textOf(server['name'])
  return { ...(called !== undefined && { title: called }), ...server, name }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function foundIn(document: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(document)
  if (keys.length === 0) return 'found an empty map'
  const some = keys.slice(0, 5).map((key) => `\`${key.slice(0, 40)}\``)
  return `found a map with ${some.join(', ')}${keys.length > some.length ? ', …' : ''}`
}

function unknownForm(found: string): SourceError {
  return new SourceError(`is no document that lists servers: ${expected}; ${found}`, { class: 'config' })
}
