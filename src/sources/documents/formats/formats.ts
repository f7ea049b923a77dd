import { type Entry, SourceError } from '../../../model/source.ts'
import { asEntry, isFields, kindOfValue, type Locate, type EntryPath, whereOf } from '../entry.ts'
import { joined, type Listing, nothing } from '../listing.ts'
import { agentEntry, catalogOf, isAgentCard, isCatalog } from './ai-catalog.ts'
import { fromClient, looksLikeServer } from './client-config.ts'
import { cardEntry, isCard, isOfficialList, registryPage } from './official-registry.ts'

const expected =
  'expected `servers:` (a map or a list), `mcpServers`, a page of an MCP registry, an AI catalogue, a server card or one server'

/**
 * Recognises what kind of document this is, and lists its servers.
 *
 * Takes the originals' `servers`, the `mcpServers` of Claude and Cursor, VS Code's `servers` + `inputs` (placeholders
 * stay), a page of the official registry, an AI catalogue, server and agent cards, and a bare server or list or map of them.
 */
export function listingOf(document: unknown, locate: Locate): Listing {
  if (Array.isArray(document)) return listOf(document, [], locate)
  if (!isFields(document)) throw unknownForm(`found ${kindOfValue(document)}`)
  const { servers } = document
  if (Array.isArray(servers) && isOfficialList(servers)) return registryPage(document, servers, ['servers'], locate)
  const keys = ['servers', 'mcpServers', 'mcp_servers'].filter((key) => Object.hasOwn(document, key))
  if (keys.length > 0) return joined(keys.map((key) => serversOf(document[key], [key], locate)))
  const inside = document['mcp']
  if (isFields(inside) && Object.hasOwn(inside, 'servers'))
    return serversOf(inside['servers'], ['mcp', 'servers'], locate)
  if (isCatalog(document)) return catalogOf(document, [], locate)
  const where = whereOf([], locate)
  if (isFields(document['server']) && isCard(document['server'])) return one(cardEntry(document['server'], { where }))
  if (isCard(document)) return one(cardEntry(document, { where }))
  if (isAgentCard(document)) return one(agentEntry(document, where))
  if (looksLikeServer(document)) return one(serverEntry(document, { path: [], locate }))
  const values = Object.values(document)
  if (values.length > 0 && values.every(looksLikeServer)) return mapOf(document, [], locate)
  throw unknownForm(foundIn(document))
}

function one(entry: Entry): Listing {
  return { ...nothing, entries: [entry] }
}

function serversOf(servers: unknown, path: EntryPath, locate: Locate): Listing {
  if (Array.isArray(servers)) return listOf(servers, path, locate)
  if (isFields(servers)) return mapOf(servers, path, locate)
  const what =
    servers === null || servers === undefined ? 'is blank; write `{}` if there are none' : `is ${kindOfValue(servers)}`
  throw new SourceError(`${path.join('.')} ${what}`, { class: 'config', where: whereOf(path, locate) })
}

function listOf(servers: readonly unknown[], path: EntryPath, locate: Locate): Listing {
  return {
    ...nothing,
    entries: servers.map((server, index) => serverEntry(server, { path: [...path, index], locate })),
  }
}

function mapOf(servers: Readonly<Record<string, unknown>>, path: EntryPath, locate: Locate): Listing {
  const entries = Object.entries(servers).map(([key, server]) =>
    serverEntry(server, { key, path: [...path, key], locate }),
  )
  return { ...nothing, entries }
}

function serverEntry(server: unknown, { key, path, locate }: { key?: string; path: EntryPath; locate: Locate }): Entry {
  const where = whereOf(path, locate)
  if (!isFields(server)) return asEntry(server, { where, ...(key !== undefined && { name: key }) })
  const name = key === undefined ? textOf(server['name']) : nameUnder(key, server)
  return asEntry(named(fromClient(server), name), { where, ...(name !== undefined && { name }) })
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
