import type { Entry } from '../../../model/source.ts'
import { asEntry, isFields, type Locate, type EntryPath, whereOf } from '../entry.ts'
import { joined, type Link, type Listing, nothing } from '../listing.ts'
import { cardEntry, isCard } from './official-registry.ts'
import { type JsonFields, jsonFieldsIn, textIn } from './registry-packages.ts'

/** Whether a map is an AI catalogue: entries that each have an identifier or a media type. */
export function isCatalog(document: Readonly<JsonFields>): boolean {
  const { entries } = document
  if (!Array.isArray(entries)) return false
  if (entries.length === 0) return 'specVersion' in document || 'host' in document
  return entries.some((entry) => isFields(entry) && ('identifier' in entry || mediaTypeOf(entry) !== undefined))
}

/**
 * An AI catalogue (`/.well-known/ai-catalog.json`): cards that stand in it are entries, cards and catalogues elsewhere are links.
 *
 * What is no server (skills, data sets, models) is passed over. https://ai-catalog.io
 */
export function catalogOf(document: Readonly<JsonFields>, path: EntryPath, locate: Locate): Listing {
  const entries = Array.isArray(document['entries']) ? document['entries'] : []
  return joined(entries.map((entry, index) => catalogEntry(entry, [...path, 'entries', index], locate)))
}

function catalogEntry(entry: unknown, path: EntryPath, locate: Locate): Listing {
  const where = whereOf(path, locate)
  if (!isFields(entry)) return { ...nothing, entries: [asEntry(entry, { where })] }
  const media_type = mediaTypeOf(entry)
  if (media_type !== undefined && !/mcp-?server|server-card|agent-card|ai-catalog/i.test(media_type)) return nothing
  const inline = [entry['data'], entry['inline'], entry['card'], entry['content']].find(isFields)
  if (inline) return cardListing(withIdentity(inline, entry), path, locate)
  const name = nameOf(entry)
  const url = textIn(entry, 'url')
  if (url === undefined) {
    return {
      ...nothing,
      entries: [{ problem: 'has neither a url nor a card', where, ...(name !== undefined && { name }) }],
    }
  }
  const link: Link = {
    url,
    where,
    ...(name !== undefined && { name }),
    ...(media_type !== undefined && { media_type }),
  }
  return { ...nothing, links: [link] }
}

function cardListing(card: JsonFields, path: EntryPath, locate: Locate): Listing {
  const where = whereOf(path, locate)
  if (isCatalog(card)) return catalogOf(card, path, locate)
  if (isCard(card)) return { ...nothing, entries: [cardEntry(card, { where })] }
  if (isAgentCard(card)) return { ...nothing, entries: [agentEntry(card, where)] }
  return { ...nothing, entries: [{ problem: 'holds a card of no known form', where }] }
}

/** A card in a catalogue may leave its name to the catalogue. */
function withIdentity(card: JsonFields, entry: JsonFields): JsonFields {
  const name = nameOf(entry)
  const title = textIn(entry, 'displayName')
  return { ...(name !== undefined && { name }), ...(title !== undefined && { title }), ...card }
}

/** `urn:air:example.com:weather` is called `example.com/weather`, as registries spell it. */
function nameOf(entry: JsonFields): string | undefined {
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

/** An agent speaks A2A and no MCP, so that only its port is checked. */
export function agentEntry(card: Readonly<JsonFields>, where: string): Entry {
  const interfaces = (Array.isArray(card['supportedInterfaces']) ? card['supportedInterfaces'] : []).filter(isFields)
  const reached = interfaces.find((one) => /^https?:/i.test(textIn(one, 'url') ?? '')) ?? card
  const binding = textIn(reached, 'protocolBinding') ?? textIn(card, 'preferredTransport')
  const agent = {
    name: card['name'],
    type: 'http',
    url: textIn(reached, 'url'),
    description: card['description'],
    version: textIn(card, 'version'),
    tags: ['a2a'],
    health_check: 'tcp',
    capabilities: (Array.isArray(card['skills']) ? card['skills'] : []).filter(isFields).map(capabilityOf),
    metadata: {
      protocol: 'a2a',
      ...(binding !== undefined && { protocol_binding: binding }),
      ...('provider' in card && { provider: textIn(jsonFieldsIn(card, 'provider'), 'organization') ?? null }),
    },
  }
  const name = textIn(card, 'name')
  return asEntry(agent, { where, ...(name !== undefined && { name }) })
}

function capabilityOf(skill: JsonFields): JsonFields {
  const { description, tags } = skill
  return {
    name: textIn(skill, 'id') ?? textIn(skill, 'name'),
    ...(typeof description === 'string' && { description }),
    ...(Array.isArray(tags) && { tags: tags.filter((tag) => typeof tag === 'string').slice(0, 64) }),
  }
}
