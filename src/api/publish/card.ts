import { redactServer } from '../../model/redaction/redact-server.ts'
import type { Server } from '../../model/server.ts'
import { rosterPathOf } from '../../model/via.ts'
import { templateInputs, toTemplate } from './inputs.ts'
import { type Package, packageOf } from './packages.ts'
import { publisherMeta } from './publisher-meta.ts'

/**
 * The edition of `server.json` that cards name. Of the versions of VS Code, some accept this one only, and the others do not
 * look; cards are valid in later editions too.
 */
export const cardSchema = 'https://static.modelcontextprotocol.io/schemas/2025-09-29/server.schema.json'

/** A `server.json`. */
export type ServerCard = {
  readonly $schema: typeof cardSchema
  readonly name: string
  readonly description: string
  readonly version: string
  readonly title?: string
  readonly websiteUrl?: string
  readonly remotes?: readonly object[]
  readonly packages?: readonly Package[]
  readonly _meta?: Readonly<Record<string, unknown>>
}

/** In characters, also for titles. */
const maxDescriptionLength = 100

/** Versions that the official registry rejects: a range, a wildcard, `latest`. */
const invalidVersion = /[\s<>=^~|*,/]|(^|\.)x(\.|$)|^latest$/i

/** Version of a server that declares none; the format requires one. */
const unknownVersion = '0.0.0'

/** Key of the list of rosters that a card passed through. Rosters that read each other detect cycles by it. */
const viaMeta = 'io.mcp-roster/via'

/**
 * The card from which a client installs a server, published by this `instance`. It holds the names of headers and
 * variables, never their values.
 */
export function toServerCard(unredacted: Server, { name, instance }: { name: string; instance: string }): ServerCard {
  const server = redactServer(unredacted)
  const runnable = packageOf(server)
  const remote = remoteOf(server)
  const website = server.metadata['website_url']
  return {
    $schema: cardSchema,
    name,
    description: descriptionOf(server),
    version: versionOf(server),
    ...(server.title !== undefined && { title: shortened(server.title) }),
    ...(typeof website === 'string' && /^https?:/i.test(website) && { websiteUrl: website }),
    ...(remote && { remotes: [remote] }),
    ...(runnable && { packages: [runnable] }),
    _meta: {
      [viaMeta]: [...rosterPathOf(server.metadata), instance],
      ...publisherMeta(server, [remote?.url, runnable?.identifier]),
    },
  }
}

export function versionOf({ version }: Pick<Server, 'version'>): string {
  return version === undefined || version === '' || invalidVersion.test(version) ? unknownVersion : version
}

/** The format requires a description, and limits its length. */
export function descriptionOf({ description, title, name }: Pick<Server, 'description' | 'title' | 'name'>): string {
  return shortened(description ?? '') || shortened(title ?? '') || shortened(`MCP server ${name}`)
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  if (line.length <= maxDescriptionLength) return line
  return `${line.slice(0, maxDescriptionLength - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

function remoteOf({
  type,
  url,
  headers,
  command,
}: Server): { readonly type: string; readonly url: string | undefined } | undefined {
  if (command !== undefined || url === undefined || !/^https?:/i.test(url)) return undefined
  const inputs = templateInputs(headers)
  const { value, variables } = toTemplate(url, 'secret')
  return {
    type: type === 'sse' ? 'sse' : 'streamable-http',
    url: value,
    ...(variables && { variables }),
    ...(inputs.length > 0 && { headers: inputs }),
  }
}
