import type { Entry } from '../../../model/source.ts'
import { toEntry, isFields, type Locate, type EntryPath, describeLocation } from '../entry.ts'
import { mergeListings, type DocumentLink, type ServerListing, emptyListing } from '../server-listing.ts'
import { toCardEntry, isServerCard } from './official-registry.ts'
import { type JsonFields, jsonFieldsIn, textIn } from './registry-packages.ts'

/** Whether a map is an AI catalogue: its entries have an identifier or a media type. */
export function isAiCatalog(document: Readonly<JsonFields>): boolean {
  const { entries } = document
  if (!Array.isArray(entries)) return false
  if (entries.length === 0) return 'specVersion' in document || 'host' in document
  return entries.some((entry) => isFields(entry) && ('identifier' in entry || mediaTypeOf(entry) !== undefined))
}

/**
 * Parses an AI catalogue (`/.well-known/ai-catalog.json`). Cards in it become entries; cards and catalogues elsewhere
 * become links. Skips skills, data sets and models. https://ai-catalog.io
 */
export function parseAiCatalog(document: Readonly<JsonFields>, path: EntryPath, locate: Locate): ServerListing {
  const entries = Array.isArray(document['entries']) ? document['entries'] : []
  return mergeListings(entries.map((entry, index) => parseCatalogEntry(entry, [...path, 'entries', index], locate)))
}

function parseCatalogEntry(entry: unknown, path: EntryPath, locate: Locate): ServerListing {
  const where = describeLocation(path, locate)
  if (!isFields(entry)) return { ...emptyListing, entries: [toEntry(entry, { where })] }
  const media_type = mediaTypeOf(entry)
  if (media_type !== undefined && !/mcp-?server|server-card|agent-card|ai-catalog/i.test(media_type))
    return emptyListing
  const inline = [entry['data'], entry['inline'], entry['card'], entry['content']].find(isFields)
  if (inline) return parseInlineCard(withCatalogIdentity(inline, entry), path, locate)
  const name = catalogNameOf(entry)
  const url = textIn(entry, 'url')
  if (url === undefined) {
    return {
      ...emptyListing,
      entries: [{ problem: 'has neither a url nor a card', where, ...(name !== undefined && { name }) }],
    }
  }
  const link: DocumentLink = {
    url,
    where,
    ...(name !== undefined && { name }),
    ...(media_type !== undefined && { media_type }),
  }
  return { ...emptyListing, links: [link] }
}

function parseInlineCard(card: JsonFields, path: EntryPath, locate: Locate): ServerListing {
  const where = describeLocation(path, locate)
  if (isAiCatalog(card)) return parseAiCatalog(card, path, locate)
  if (isServerCard(card)) return { ...emptyListing, entries: [toCardEntry(card, { where })] }
  if (isAgentCard(card)) return { ...emptyListing, entries: [toAgentEntry(card, where)] }
  return { ...emptyListing, entries: [{ problem: 'holds a card of an unknown format', where }] }
}

/** Takes the name and the title of the catalogue entry where the card has none. */
function withCatalogIdentity(card: JsonFields, entry: JsonFields): JsonFields {
  const name = catalogNameOf(entry)
  const title = textIn(entry, 'displayName')
  return { ...(name !== undefined && { name }), ...(title !== undefined && { title }), ...card }
}

/** Turns `urn:air:example.com:weather` into `example.com/weather`, the spelling of registries. */
function catalogNameOf(entry: JsonFields): string | undefined {
  const identifier = textIn(entry, 'identifier')
  const air = /^urn:air:([^:]+):(.+)$/.exec(identifier ?? '')
  if (air) return `${air[1]}/${air[2]?.replaceAll(':', '.')}`
  return identifier ?? textIn(entry, 'displayName')
}

function mediaTypeOf(entry: JsonFields): string | undefined {
  return textIn(entry, 'type') ?? textIn(entry, 'mediaType') ?? textIn(entry, 'media_type')
}

/** Whether a map is an A2A agent card, of version 1.0 (`supportedInterfaces`) or before (`url` and `skills`). */
export function isAgentCard(document: Readonly<JsonFields>): boolean {
  if (Array.isArray(document['supportedInterfaces'])) return true
  return (
    Array.isArray(document['skills']) && typeof document['url'] === 'string' && typeof document['name'] === 'string'
  )
}

/** The entry of an A2A agent. It speaks no MCP, so a probe checks its port only. */
export function toAgentEntry(card: Readonly<JsonFields>, where: string): Entry {
  const interfaces = (Array.isArray(card['supportedInterfaces']) ? card['supportedInterfaces'] : []).filter(isFields)
  const endpoint = interfaces.find((candidate) => /^https?:/i.test(textIn(candidate, 'url') ?? '')) ?? card
  const binding = textIn(endpoint, 'protocolBinding') ?? textIn(card, 'preferredTransport')
  const agent = {
    name: card['name'],
    type: 'http',
    url: textIn(endpoint, 'url'),
    description: card['description'],
    version: textIn(card, 'version'),
    tags: ['a2a'],
    health_check: 'tcp',
    capabilities: (Array.isArray(card['skills']) ? card['skills'] : []).filter(isFields).map(toCapability),
    metadata: {
      protocol: 'a2a',
      ...(binding !== undefined && { protocol_binding: binding }),
      ...('provider' in card && { provider: textIn(jsonFieldsIn(card, 'provider'), 'organization') ?? null }),
    },
  }
  const name = textIn(card, 'name')
  return toEntry(agent, { where, ...(name !== undefined && { name }) })
}

function toCapability(skill: JsonFields): JsonFields {
  const { description, tags } = skill
  return {
    name: textIn(skill, 'id') ?? textIn(skill, 'name'),
    ...(typeof description === 'string' && { description }),
    ...(Array.isArray(tags) && { tags: tags.filter((tag) => typeof tag === 'string').slice(0, 64) }),
  }
}
