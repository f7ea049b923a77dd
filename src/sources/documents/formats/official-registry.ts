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

const official = 'io.modelcontextprotocol.registry/official'

/** Where another roster says, in a card, which rosters it has come through. */
const roster = 'io.mcp-roster/via'

/** Whether a list is a page of the official registry: `{server, _meta}` each. */
export function isOfficialList(servers: readonly unknown[]): boolean {
  return servers.some((item) => isFields(item) && isFields(item['server']) && !('url' in item) && !('command' in item))
}

/**
 * A page of the official MCP registry.
 *
 * Only the latest version of a server is taken, and what was deleted is named as such.
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
      ...jsonFieldsIn(jsonFieldsIn(item, '_meta'), official),
      ...jsonFieldsIn(jsonFieldsIn(server, '_meta'), official),
    }
    const name = textIn(server, 'name')
    if (meta['isLatest'] === false) continue
    if (meta['status'] === 'deleted') {
      if (name !== undefined) deleted.push(name)
      continue
    }
    entries.push(cardEntry(server, { where: describeLocation([...path, index], locate), meta }))
  }
  const next =
    textIn(jsonFieldsIn(page, 'metadata'), 'nextCursor') ?? textIn(jsonFieldsIn(page, 'metadata'), 'next_cursor')
  return { ...emptyListing, entries, deleted, ...(next !== undefined && { next }) }
}

/** Whether a map is a `server.json` or a server card: a name, and remotes or packages. */
export function isServerCard(document: Readonly<JsonFields>): boolean {
  return Array.isArray(document['remotes']) || Array.isArray(document['packages'])
}

/** The entry of one `server.json` or server card: what it says of itself, and the best way to reach it. */
export function cardEntry(
  card: Readonly<JsonFields>,
  { where, meta = {} }: { where: string; meta?: Readonly<JsonFields> },
) {
  const name = textIn(card, 'name')
  const place = { where, ...(name !== undefined && { name }) }
  const reached = remoteOf(card) ?? packageCommand(card)
  if (!reached)
    return {
      ...place,
      problem: 'names neither a remote nor a package that can be run here (npm, pypi, oci, nuget, over stdio)',
    }
  const { title, description, version } = card
  return toEntry(
    { ...definedOf({ name, title, description, version }), ...reached, metadata: metadataOf(card, meta) },
    place,
  )
}

function metadataOf(card: Readonly<JsonFields>, meta: Readonly<JsonFields>): JsonFields {
  const { status, publishedAt, updatedAt } = meta
  return definedOf({
    [viaKey]: jsonFieldsIn(card, '_meta')[roster],
    website_url: card['websiteUrl'],
    repository: textIn(jsonFieldsIn(card, 'repository'), 'url'),
    registry:
      meta['status'] === undefined
        ? undefined
        : definedOf({ status, published_at: publishedAt, updated_at: updatedAt }),
  })
}

/** Streamable HTTP before SSE, which is deprecated. */
function remoteOf(card: Readonly<JsonFields>): JsonFields | undefined {
  const remotes = (Array.isArray(card['remotes']) ? card['remotes'] : []).filter(isFields)
  const isSse = (remote: JsonFields) => textIn(remote, 'type')?.toLowerCase() === 'sse'
  const remote = remotes.find((one) => !isSse(one)) ?? remotes[0]
  const url = remote && textIn(remote, 'url')
  if (!remote || url === undefined) return undefined
  const headers = packageInputs(remote['headers'])
  return {
    type: isSse(remote) ? 'sse' : 'http',
    url: fillVariables(url, remote['variables']),
    ...(Object.keys(headers).length > 0 && { headers }),
  }
}

function definedOf(fields: JsonFields): JsonFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
