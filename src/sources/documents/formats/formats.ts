import { type Entry, SourceError } from '../../../model/source.ts'
import { toEntry, isFields, describeKind, type Locate, type EntryPath, describeLocation } from '../entry.ts'
import { mergeListings, type ServerListing, emptyListing } from '../server-listing.ts'
import { toAgentEntry, parseAiCatalog, isAgentCard, isAiCatalog } from './ai-catalog.ts'
import { normalizeClientServer, looksLikeServer } from './client-config.ts'
import { toCardEntry, isServerCard, isOfficialList, parseRegistryPage } from './official-registry.ts'

const expectedFormats =
  'expected `servers:` (a map or a list), `mcpServers`, a page of an MCP registry, an AI catalogue, a server card or one server'

/**
 * Detects the format of a document, and lists its servers.
 *
 * Formats: a map or list under `servers`, the `mcpServers` of Claude and Cursor, VS Code's `servers` + `inputs`
 * (placeholders stay), a page of the official registry, an AI catalogue, server and agent cards, and a bare server, list
 * or map of servers.
 */
export function extractListing(document: unknown, locate: Locate): ServerListing {
  if (Array.isArray(document)) return listServers(document, [], locate)
  if (!isFields(document)) throw unknownFormatError(`found ${describeKind(document)}`)
  const { servers } = document
  if (Array.isArray(servers) && isOfficialList(servers))
    return parseRegistryPage(document, servers, ['servers'], locate)
  const keys = ['servers', 'mcpServers', 'mcp_servers'].filter((key) => Object.hasOwn(document, key))
  if (keys.length > 0) return mergeListings(keys.map((key) => readServers(document[key], [key], locate)))
  const nested = document['mcp']
  if (isFields(nested) && Object.hasOwn(nested, 'servers'))
    return readServers(nested['servers'], ['mcp', 'servers'], locate)
  if (isAiCatalog(document)) return parseAiCatalog(document, [], locate)
  const where = describeLocation([], locate)
  if (isFields(document['server']) && isServerCard(document['server']))
    return singleListing(toCardEntry(document['server'], { where }))
  if (isServerCard(document)) return singleListing(toCardEntry(document, { where }))
  if (isAgentCard(document)) return singleListing(toAgentEntry(document, where))
  if (looksLikeServer(document)) return singleListing(toServerEntry(document, { path: [], locate }))
  const values = Object.values(document)
  if (values.length > 0 && values.every(looksLikeServer)) return mapServers(document, [], locate)
  throw unknownFormatError(describeKeys(document))
}

function singleListing(entry: Entry): ServerListing {
  return { ...emptyListing, entries: [entry] }
}

function readServers(servers: unknown, path: EntryPath, locate: Locate): ServerListing {
  if (Array.isArray(servers)) return listServers(servers, path, locate)
  if (isFields(servers)) return mapServers(servers, path, locate)
  const what =
    servers === null || servers === undefined
      ? 'is blank; write `{}` if there are no servers'
      : `is ${describeKind(servers)}`
  throw new SourceError(`${path.join('.')} ${what}`, { class: 'config', where: describeLocation(path, locate) })
}

function listServers(servers: readonly unknown[], path: EntryPath, locate: Locate): ServerListing {
  return {
    ...emptyListing,
    entries: servers.map((server, index) => toServerEntry(server, { path: [...path, index], locate })),
  }
}

function mapServers(servers: Readonly<Record<string, unknown>>, path: EntryPath, locate: Locate): ServerListing {
  const entries = Object.entries(servers).map(([key, server]) =>
    toServerEntry(server, { key, path: [...path, key], locate }),
  )
  return { ...emptyListing, entries }
}

function toServerEntry(
  server: unknown,
  { key, path, locate }: { key?: string; path: EntryPath; locate: Locate },
): Entry {
  const where = describeLocation(path, locate)
  if (!isFields(server)) return toEntry(server, { where, ...(key !== undefined && { name: key }) })
  const name = key === undefined ? textOf(server['name']) : nameFromKey(key, server)
  return toEntry(withName(normalizeClientServer(server), name), { where, ...(name !== undefined && { name }) })
}

/** The key of a map is the name, even if a field says otherwise; a key `namespace/name` of our own agrees with the fields. */
function nameFromKey(key: string, { namespace, name }: Readonly<Record<string, unknown>>): string {
  return typeof name === 'string' && key === `${String(namespace)}/${name}` ? name : key
}

function withName(server: Record<string, unknown>, name: string | undefined): Record<string, unknown> {
  if (name === undefined || server['name'] === name) return server
  const title = textOf(server['name'])
  return { ...(title !== undefined && { title }), ...server, name }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function describeKeys(document: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(document)
  if (keys.length === 0) return 'found an empty map'
  const firstKeys = keys.slice(0, 5).map((key) => `\`${key.slice(0, 40)}\``)
  return `found a map with ${firstKeys.join(', ')}${keys.length > firstKeys.length ? ', …' : ''}`
}

const unknownFormat = 'unknown document format'

function unknownFormatError(detail: string): SourceError {
  return new SourceError(`${unknownFormat}: ${expectedFormats}; ${detail}`, { class: 'config' })
}

/** Recognises the error by its message: on its way from the parser thread it loses its class. */
export function isUnknownFormat({ message }: SourceError): boolean {
  return message.startsWith(unknownFormat)
}
