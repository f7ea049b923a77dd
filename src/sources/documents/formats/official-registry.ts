import { viaKey } from '../../../model/via.ts'
import { isFields, type Locate, type EntryPath } from '../entry.ts'
import { toEntry, describeLocation } from '../entry.ts'
import { type ServerListing, emptyListing } from '../server-listing.ts'
import {
  packageCommand,
  type JsonFields,
  jsonFieldsIn,
  packageInputs,
  textIn,
  fillVariables,
} from './registry-packages.ts'

const officialMetaKey = 'io.modelcontextprotocol.registry/official'

/** Key under which another roster lists, in a card, the rosters that the server passed through. */
const rosterMetaKey = 'io.mcp-roster/via'

/** Whether a list is a page of the official registry: each item is `{server, _meta}`. */
export function isOfficialList(servers: readonly unknown[]): boolean {
  return servers.some((item) => isFields(item) && isFields(item['server']) && !('url' in item) && !('command' in item))
}

/**
 * Parses a page of the official MCP registry. Takes only the latest version of a server, and collects deleted names.
 *
 * https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/api/openapi.yaml
 */
export function parseRegistryPage(
  page: Readonly<JsonFields>,
  servers: readonly unknown[],
  path: EntryPath,
  locate: Locate,
): ServerListing {
  const entries = []
  const deleted = []
  for (const [index, item] of servers.entries()) {
    const server = jsonFieldsIn(item, 'server')
    const meta = {
      ...jsonFieldsIn(jsonFieldsIn(item, '_meta'), officialMetaKey),
      ...jsonFieldsIn(jsonFieldsIn(server, '_meta'), officialMetaKey),
    }
    const name = textIn(server, 'name')
    if (meta['isLatest'] === false) continue
    if (meta['status'] === 'deleted') {
      if (name !== undefined) deleted.push(name)
      continue
    }
    entries.push(toCardEntry(server, { where: describeLocation([...path, index], locate), meta }))
  }
  const next =
    textIn(jsonFieldsIn(page, 'metadata'), 'nextCursor') ?? textIn(jsonFieldsIn(page, 'metadata'), 'next_cursor')
  return { ...emptyListing, entries, deleted, ...(next !== undefined && { next }) }
}

/** Whether a map is a `server.json` or a server card: it has remotes or packages. */
export function isServerCard(document: Readonly<JsonFields>): boolean {
  return Array.isArray(document['remotes']) || Array.isArray(document['packages'])
}

/** The entry of one `server.json` or server card, with the best way to reach the server. */
export function toCardEntry(
  card: Readonly<JsonFields>,
  { where, meta = {} }: { where: string; meta?: Readonly<JsonFields> },
) {
  const name = textIn(card, 'name')
  const location = { where, ...(name !== undefined && { name }) }
  const endpoint = remoteOf(card) ?? packageCommand(card)
  if (!endpoint)
    return {
      ...location,
      problem: 'names neither a remote nor a package that can be run here (npm, pypi, oci, nuget, over stdio)',
    }
  const { title, description, version } = card
  return toEntry(
    { ...withoutUndefined({ name, title, description, version }), ...endpoint, metadata: metadataOf(card, meta) },
    location,
  )
}

function metadataOf(card: Readonly<JsonFields>, meta: Readonly<JsonFields>): JsonFields {
  const { status, publishedAt, updatedAt } = meta
  return withoutUndefined({
    [viaKey]: jsonFieldsIn(card, '_meta')[rosterMetaKey],
    website_url: card['websiteUrl'],
    repository: textIn(jsonFieldsIn(card, 'repository'), 'url'),
    registry:
      meta['status'] === undefined
        ? undefined
        : withoutUndefined({ status, published_at: publishedAt, updated_at: updatedAt }),
  })
}

/** The preferred remote: Streamable HTTP before the deprecated SSE. */
function remoteOf(card: Readonly<JsonFields>): JsonFields | undefined {
  const remotes = (Array.isArray(card['remotes']) ? card['remotes'] : []).filter(isFields)
  const isSse = (remote: JsonFields) => textIn(remote, 'type')?.toLowerCase() === 'sse'
  const remote = remotes.find((candidate) => !isSse(candidate)) ?? remotes[0]
  const url = remote && textIn(remote, 'url')
  if (!remote || url === undefined) return undefined
  const headers = packageInputs(remote['headers'])
  return {
    type: isSse(remote) ? 'sse' : 'http',
    url: fillVariables(url, remote['variables']),
    ...(Object.keys(headers).length > 0 && { headers }),
  }
}

function withoutUndefined(fields: JsonFields): JsonFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
